"""Elsewhere, Alive and Open."""

import pytest

from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court

pytestmark = pytest.mark.cloud


def test_a_disabled_host_takes_nobody_and_an_enabled_one_does(
    ground: Situations, court: Court, plain: str
) -> None:
    host = other(ground, plain)
    with ground.disabled(host):
        shut = court.judge(plain, host)
    assert shut.ours == {"ServiceEnabled"}
    assert shut.theirs
    open_again = court.judge(plain, host)
    assert open_again.ours == set()
    assert open_again.theirs is None


def test_a_host_that_is_down_takes_nobody_and_one_that_is_up_does(
    ground: Situations, court: Court, plain: str
) -> None:
    host = other(ground, plain)
    with ground.down(host):
        down = court.judge(plain, host)
    assert down.ours == {"ServiceUp"}
    assert down.theirs
    up = court.judge(plain, host)
    assert up.ours == set()
    assert up.theirs is None


def test_a_host_whose_service_died_neither_takes_nor_sends(
    ground: Situations, court: Court, plain: str
) -> None:
    host = other(ground, plain)
    resident = ground.server(host=host)
    with ground.dead(host):
        takes, sends = court.judge(plain, host), court.judge(resident, ground.settled(plain))
    assert takes.ours == sends.ours == {"ServiceUp"}
    assert takes.theirs
    assert sends.theirs
    assert court.judge(resident, ground.settled(plain)).theirs is None


def test_a_server_cannot_leave_a_host_that_is_down(
    ground: Situations, court: Court, plain: str
) -> None:
    """Its nova-compute would have to send it: such a move used to be called legal."""
    with ground.down(ground.settled(plain)):
        stuck = court.judge(plain, other(ground, plain))
    assert stuck.ours == {"ServiceUp"}
    assert stuck.theirs


def test_a_server_does_not_move_to_where_it_is(
    ground: Situations, court: Court, plain: str
) -> None:
    here = court.judge(plain, ground.settled(plain))
    assert here.ours == {"NotCurrentHost"}
    assert here.theirs


def other(ground: Situations, server: str) -> str:
    """The smallest host that a server is not on."""
    here = ground.settled(server)
    return next(host for host in reversed(ground.names()) if host != here)
