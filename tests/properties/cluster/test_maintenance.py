"""Maintenance of any host of any cluster: legal at every prefix, explained truly, and finished."""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.kernel.typed_values import typed
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.policy import PlacementPolicy
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE
from domain.optimization.context import ObservedMove, StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.host_maintenance import (
    ALREADY_IN_MAINTENANCE,
    BACKUP_NOT_USED,
    MAINTENANCE_INCOMPLETE,
    MAINTENANCE_PREPARED,
)
from domain.plans.verification import verify_plan
from tests.properties.cluster import generate
from tests.properties.cluster.audits import flights, is_json, verifier
from tests.world.optimization import weigh
from tests.world.plugins import ACTION_TYPES, STRATEGIES

SEEDS = st.integers(min_value=0, max_value=2**32)
MAINTENANCE = STRATEGIES["host_maintenance"]


def audit(rng: Random) -> StrategyContext[Any] | None:
    """An audit of a random host with random parameters; None if there is no host."""
    model = generate.cluster(rng)
    if not len(model.hosts):
        return None
    hosts = rng.sample(model.hosts.name, k=min(2, len(model.hosts)))
    given: dict[str, object] = {"maintenance_node": hosts[0]}
    if len(hosts) > 1 and rng.random() < 0.5:
        given["backup_node"] = hosts[1]
    for flag in ("disable_live_migration", "disable_cold_migration"):
        given[flag] = rng.random() < 0.3
    policy = generate.policy(rng, model)
    return context(model, policy, given, flights(rng, model))


def context(
    model: ComputeModel,
    policy: PlacementPolicy,
    given: dict[str, object],
    moves: tuple[ObservedMove, ...] = (),
) -> StrategyContext[Any]:
    parameters = typed(given, MAINTENANCE.parameters)
    return StrategyContext(parameters=parameters, compute=model, placement=policy, moves=moves)


def migrations(solution: Solution) -> Solution:
    return replace(solution, actions=tuple(a for a in solution.actions if a.type == "migrate"))


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_a_maintenance_plan_is_legal_and_says_truly_what_stays(seed: int) -> None:
    found, again = audit(Random(seed)), audit(Random(seed))
    if found is None or again is None:
        return
    model, host = found.compute, found.compute.host_places[found.parameters.maintenance_node]
    solution = MAINTENANCE.solve(found)
    assert solution == MAINTENANCE.solve(again)
    planned = weigh(solution, model, found.placement)
    assert verify_plan(model, planned, None, found.placement, action_types=ACTION_TYPES) == []
    flying = {move.server for move in found.moves}
    for action in solution.actions:
        assert is_json(action.because.facts)
        assert "<" not in str(action.because)
        assert action.resource_id not in flying
        if action.type == "migrate":
            assert action.parameters["source_node"] == model.hosts.name[host]
    moved = {action.resource_id for action in migrations(solution).actions}
    here = {s for s, at in zip(model.servers.id, model.servers.host, strict=True) if at == host}
    assert moved <= here
    outcome = solution.notes[0]
    stay = here - moved
    if outcome.reason == MAINTENANCE_INCOMPLETE:
        assert outcome.facts["moved"] == len(moved)
        assert int(str(outcome.facts["left"])) >= len(stay)
    else:
        assert outcome.reason in {MAINTENANCE_PREPARED, ALREADY_IN_MAINTENANCE}
        assert not stay
    assert {one.subject.id for one in found.alternatives.kept} == stay  # type: ignore[union-attr]


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_a_server_stays_for_the_reasons_that_are_stated(seed: int) -> None:
    """Each count of refused hosts is recomputed with the verifier after the plan."""
    found = audit(Random(seed))
    if found is None:
        return
    model, solution = found.compute, MAINTENANCE.solve(found)
    host = model.host_places[found.parameters.maintenance_node]
    checker = verifier(found, solution)
    for action in solution.actions:
        if action.parameters.get("state") == "disabled":
            checker.disable(model.host_places[action.resource_id])
    for rejection in found.alternatives.kept:
        facts: Any = rejection.because.facts
        assert rejection.because.reason == SERVER_CANNOT_LEAVE
        if "refused" not in facts:
            continue
        server = model.server_places[rejection.subject.id]  # type: ignore[union-attr]
        others = [place for place in range(len(model.hosts)) if place != host]
        broken = [checker.broken(server, place) for place in others]
        counts = {rule: sum(rule in one for one in broken) for one in broken for rule in one}
        assert facts["refused"] == counts
        assert all(broken), "a host that may have it was not used"
    for note in solution.notes:
        if note.reason == BACKUP_NOT_USED:
            assert note.facts["rule"]
            assert found.parameters.backup_node not in {
                action.parameters.get("resource_name") for action in solution.actions
            }


def test_random_clusters_do_need_maintenance() -> None:
    """The control: most of the tests above would hold of plans without actions."""
    moves = stays = backups = 0
    for seed in range(300):
        found = audit(Random(seed))
        if found is not None:
            solution = MAINTENANCE.solve(found)
            moves += len(migrations(solution).actions)
            stays += sum("refused" in one.because.facts for one in found.alternatives.kept)
            to = {a.parameters.get("destination_node") for a in solution.actions} - {None}
            backups += to == {found.parameters.backup_node}
    assert moves > 100
    assert stays > 50
    assert backups > 10
