"""What changed since a plan was made is found just before a move is requested."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.applier.legality import MoveLegality
from application.cluster_models.record import CurrentModel
from application.ports.event_log import EventLog
from application.ports.operator_rules import RulesUnreadable
from application.ports.read_models import ServerMove
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow
from domain.cluster.placement.policy import PlacementPolicy
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionSpec, ActionState
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import NO_LONGER_LEGAL
from tests.given import ident
from tests.unit.applier.bench import Bench
from tests.unit.applier.reference_cloud import ReferenceCloud
from tests.unit.cluster.build import host, model, server

COLLECTED = datetime(2026, 11, 24, 12, tzinfo=UTC)
APART = GroupRow(id="g", name="apart", policy="anti-affinity", members=("s1", "s2"))


class File:
    """An operator's rules."""

    name = "rules.yaml"

    def __init__(self, document: Any = None) -> None:
        self._document = document

    def read(self) -> object:
        if self._document is None:
            raise RulesUnreadable("permission denied")
        return self._document


def move(number: int = 1, source: int = 1, to: int | None = 2) -> ActionSpec:
    parameters: dict[str, object] = {
        "resource_id": f"s{number}",
        "resource_name": f"vm{number}",
        "migration_type": "live",
        "source_node": f"c{source}",
        "destination_node": None if to is None else f"c{to}",
    }
    return ActionSpec(ident(1), "migrate", parameters, (), (), Cause(FREES_HOST))


def moved(number: int, source: int, to: int, *, ended: bool = True) -> ServerMove:
    later = COLLECTED + timedelta(seconds=5)
    return ServerMove(f"s{number}", f"c{source}", f"c{to}", later, later if ended else None)


def legality_of(
    cloud: ComputeModel | None,
    moves: Sequence[ServerMove] = (),
    rules: File | None = None,
    scope: Sequence[Any] = (),
) -> MoveLegality:
    latest = None
    if cloud is not None:
        latest = CurrentModel(
            model=cloud, digest="d", problems=(), age=60.0, collected_at=COLLECTED
        )
    return MoveLegality(
        lambda: latest, lambda _: moves, lambda _: list(scope), rules, PlacementPolicy()
    )


def judged(
    cloud: ComputeModel | None,
    action: ActionSpec,
    *moves: ServerMove,
    own: Sequence[ServerMove] = (),
    rules: File | None = None,
    scope: Sequence[Any] = (),
) -> Cause | None:
    return legality_of(cloud, moves, rules, scope).why_illegal(action, ident(2), lambda _: own)


def pair(at: int = 3) -> ComputeModel:
    """vm1 on c1, and vm2 of its group on another host."""
    return model([host(n) for n in (1, 2, 3)], [server(1, 1), server(2, at)], (APART,))


def test_a_move_that_is_still_legal_is_not_refused() -> None:
    assert judged(pair(), move()) is None


def test_a_group_that_others_brought_to_the_destination_is_found_and_named() -> None:
    found = judged(pair(at=2), move())
    assert found is not None
    assert found.reason == NO_LONGER_LEGAL
    assert "c2" in str(found)


@pytest.mark.parametrize("ended", [False, True])
def test_vigils_own_moves_since_the_collection_count(ended: bool) -> None:
    """A plan beside this one brought the other member there; the model is a minute old."""
    assert judged(pair(), move(), moved(2, 3, 2, ended=ended)) is not None
    assert judged(pair(), move(), own=(moved(2, 3, 2, ended=ended),)) is not None


def test_a_member_that_left_the_destination_since_the_collection_is_not_held_against_it() -> None:
    assert judged(pair(at=2), move(), own=(moved(2, 2, 3),)) is None


def test_room_that_others_took_is_found() -> None:
    full = model([host(1), host(2, vcpus=4)], [server(1, 1), server(2, 2), server(3, 2)])
    assert judged(full, move()) is not None


def test_room_on_a_host_of_moves_since_the_collection_is_left_to_the_cloud() -> None:
    """What a collection shows of a host in the middle of a move says little about its room."""
    full = model([host(1), host(2, vcpus=4), host(3)], [server(1, 1), server(2, 2), server(3, 2)])
    assert judged(full, move(), own=(moved(2, 2, 3),)) is None


def test_a_host_that_was_enabled_since_the_collection_is_left_to_the_cloud() -> None:
    disabled = model([host(1), host(2, status="disabled")], [server(1, 1)])
    assert judged(disabled, move()) is None


@pytest.mark.parametrize("place", ["file", "scope"])
def test_a_rule_that_the_operator_added_holds_at_once(place: str) -> None:
    ban = {"bans": [{"servers": ["vm1"], "hosts": ["c2"]}]}
    in_file, in_scope = File(ban), [{"compute": [{"rules": ban}]}]
    if place == "file":
        assert judged(pair(), move(), rules=in_file) is not None
    else:
        assert judged(pair(), move(), scope=in_scope) is not None


def test_what_cannot_be_checked_is_left_to_the_cloud(caplog: pytest.LogCaptureFixture) -> None:
    assert judged(None, move()) is None
    assert judged(pair(at=2), move(to=None)) is None
    assert judged(pair(at=2), move(number=9)) is None
    assert judged(pair(at=2), move(), rules=File()) is None
    assert "permission denied" in caplog.text


def test_an_illegal_move_is_not_requested_and_what_requires_it_is_cancelled(
    event_log: EventLog,
) -> None:
    def planned(number: int, parents: tuple[int, ...] = ()) -> PlannedAction:
        spec = move(number)
        given = {key: one for key, one in spec.parameters.items() if key != "resource_id"}
        action = ProposedAction("migrate", f"s{number}", given, Cause(FREES_HOST))
        return PlannedAction(action, parents, parents)

    legality = legality_of(pair(at=2))
    bench = Bench(event_log, ReferenceCloud(), planned(1), planned(3, (0,)), planned(4))
    plan = bench.drive(legality=legality)
    assert bench.states() == [ActionState.SKIPPED, ActionState.CANCELLED, ActionState.SUCCEEDED]
    assert bench.cloud.effects == ["s4"]
    because = next(iter(plan.actions.values())).because
    assert because is not None
    assert because.reason == NO_LONGER_LEGAL
