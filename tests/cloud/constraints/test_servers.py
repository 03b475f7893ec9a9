"""Movable: which servers can be moved at all, and how."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infrastructure.openstack.errors import Conflicting
from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court
from tests.conformance.actions.ground import until

pytestmark = pytest.mark.cloud


@contextmanager
def state(ground: Situations, server: str, there: str, status: str, back: str) -> Iterator[None]:
    ground.act(server, {there: None})
    ground.until_status(server, status)
    yield
    ground.act(server, {back: None})
    ground.until_status(server, "ACTIVE")


def test_a_suspended_server_is_not_moved(ground: Situations, court: Court, plain: str) -> None:
    host = elsewhere(ground, plain)
    with state(ground, plain, "suspend", "SUSPENDED", "resume"):
        found = court.judge(plain, host)
    assert found.ours == {"Movable"}
    assert found.theirs


def test_a_server_in_error_is_not_moved(ground: Situations, court: Court, plain: str) -> None:
    host = elsewhere(ground, plain)
    ground.act(plain, {"os-resetState": {"state": "error"}})
    found = court.judge(plain, host)
    ground.act(plain, {"os-resetState": {"state": "active"}})
    assert found.ours == {"Movable"}
    assert found.theirs


def test_a_resize_that_waits_for_confirmation_holds_its_server(
    ground: Situations, court: Court, plain: str
) -> None:
    here, host = ground.settled(plain), elsewhere(ground, plain)
    assert cold(ground, plain, host)
    found = court.judge(plain, here)
    ground.act(plain, {"revertResize": None})
    ground.until_status(plain, "ACTIVE")
    assert found.ours == {"Movable"}
    assert found.theirs


def test_a_server_that_is_under_way_is_not_moved_again(
    ground: Situations, court: Court, plain: str
) -> None:
    first, second = [host for host in ground.names() if host != ground.settled(plain)][:2]
    with ground.slow(plain):
        body = {"os-migrateLive": {"host": first, "block_migration": "auto"}}
        ground.act(plain, body, version="2.30")
        assert court.view().against(plain, second) == {"Movable"}
        with pytest.raises(Conflicting):
            ground.act(plain, {"os-migrateLive": {**body["os-migrateLive"], "host": second}})
        until(lambda: bool(in_progress(ground, plain)))
        for migration in in_progress(ground, plain):
            ground.nova.effect("DELETE", f"/servers/{plain}/migrations/{migration}", None)
        ground.settled(plain)


def test_a_locked_server_stays_though_an_administrator_could_move_it(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than Nova, on purpose: who locks a server wants it left alone."""
    host = elsewhere(ground, plain)
    ground.act(plain, {"lock": None})
    found = court.judge(plain, host)
    ground.act(plain, {"unlock": None})
    assert found.ours == {"Movable"}
    assert found.theirs is None


def test_a_paused_server_stays_though_nova_could_move_it(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than Nova, on purpose: we move a server as it is used, and paused it is not."""
    host = elsewhere(ground, plain)
    with state(ground, plain, "pause", "PAUSED", "unpause"):
        found = court.judge(plain, host)
    assert found.ours == {"Movable"}
    assert found.theirs is None


def test_a_stopped_server_moves_cold_under_the_same_rules(
    ground: Situations, court: Court, plain: str
) -> None:
    host = elsewhere(ground, plain)
    with ground.stopped(plain):
        view = court.view()
        assert view.rules.movability.migration_type(view.model.server_places[plain]) == "cold"
        with ground.disabled(host):
            assert court.view().against(plain, host) == {"Open"}
            assert not cold(ground, plain, host)
        assert court.view().against(plain, host) == set()
        assert cold(ground, plain, host)
        ground.act(plain, {"confirmResize": None})
        ground.until_status(plain, "SHUTOFF")


def cold(ground: Situations, server: str, host: str) -> bool:
    """Whether a cold migration arrived; a refusal is known only afterwards."""
    ground.act(server, {"migrate": {"host": host}})
    return ground.settled(server) == host


def in_progress(ground: Situations, server: str) -> list[int]:
    found = ground.nova.get(f"/servers/{server}/migrations")["migrations"]
    return [migration["id"] for migration in found]


def elsewhere(ground: Situations, server: str) -> str:
    here = ground.settled(server)
    return next(host for host in ground.names() if host != here)
