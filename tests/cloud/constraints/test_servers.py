"""Movable: which servers can be moved at all, and how."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court

pytestmark = pytest.mark.cloud

# name → action that leads there, the status then, action that leads back
REFUSED: Mapping[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "suspended": ({"suspend": None}, "SUSPENDED", {"resume": None}),
    "rescued": ({"rescue": None}, "RESCUE", {"unrescue": None}),
    "in error": (
        {"os-resetState": {"state": "error"}},
        "ERROR",
        {"os-resetState": {"state": "active"}},
    ),
}


@pytest.mark.parametrize("state", REFUSED)
def test_a_server_in_a_state_that_allows_no_move_stays(
    ground: Situations, court: Court, plain: str, state: str
) -> None:
    host = elsewhere(ground, plain)
    with ground.changed(plain, *REFUSED[state]):
        found = court.judge(plain, host)
    assert found.ours == {"Movable"}
    assert found.theirs


def test_a_server_whose_migration_waits_for_confirmation_stays(
    ground: Situations, court: Court, plain: str
) -> None:
    here, host = ground.settled(plain), elsewhere(ground, plain)
    there, back = {"migrate": {"host": host}}, {"revertResize": None}
    with ground.changed(plain, there, "VERIFY_RESIZE", back):
        found = court.judge(plain, here)
    assert found.ours == {"Movable"}
    assert found.theirs


def test_a_server_that_is_on_its_way_is_not_sent_elsewhere(
    ground: Situations, court: Court, plain: str
) -> None:
    first, second = [host for host in ground.names() if host != ground.settled(plain)][:2]
    with ground.flying(plain, first):
        found = court.judge(plain, second)
    assert found.ours == {"Movable"}
    assert found.theirs


def test_a_locked_server_stays_though_an_administrator_could_move_it(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than Nova, on purpose: who locks a server wants it left alone."""
    host = elsewhere(ground, plain)
    with ground.changed(plain, {"lock": None}, "ACTIVE", {"unlock": None}):
        found = court.judge(plain, host)
    assert found.ours == {"Movable"}
    assert found.theirs is None


def test_a_paused_server_stays_though_nova_could_move_it(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than Nova, on purpose: whoever paused a server is at work on it."""
    host = elsewhere(ground, plain)
    with ground.changed(plain, {"pause": None}, "PAUSED", {"unpause": None}):
        found = court.judge(plain, host)
    assert found.ours == {"Movable"}
    assert found.theirs is None


def test_a_stopped_server_moves_cold_under_the_same_rules(
    ground: Situations, court: Court, plain: str
) -> None:
    host = elsewhere(ground, plain)
    with ground.changed(plain, {"os-stop": None}, "SHUTOFF", {"os-start": None}):
        view = court.view()
        assert view.rules.movability.migration_type(view.model.server_places[plain]) == "cold"
        assert court.nova(plain, host), "moved live though it does not run"
        with ground.disabled(host):
            assert court.view().against(plain, host) == {"ServiceEnabled"}
            assert not cold(ground, plain, host)
        assert court.view().against(plain, host) == set()
        assert cold(ground, plain, host)
        ground.act(plain, {"confirmResize": None})
        ground.until_status(plain, "SHUTOFF")


def cold(ground: Situations, server: str, host: str) -> bool:
    """Whether a cold migration arrived. A refusal is known only from what does not happen."""
    ground.act(server, {"migrate": {"host": host}})
    return ground.settled(server) == host


def elsewhere(ground: Situations, server: str) -> str:
    """A host that a server is not on."""
    here = ground.settled(server)
    return next(host for host in ground.names() if host != here)
