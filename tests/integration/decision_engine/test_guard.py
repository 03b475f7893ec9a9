"""No plan is published that the independent verifier refuses at any prefix."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from application.decision_engine.decisions import SearchSettings
from application.kernel import plan_checks
from domain.audits import AuditState
from domain.audits.reasons import PARAMETERS_INVALID
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from domain.kernel.aggregate import JsonObject
from domain.kernel.options import NoOptions
from domain.kernel.reasons import Cause
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.planner import Planner
from domain.optimization.solution import Solution
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS, NoParameters, Strategy
from domain.plans.action_types import migrate
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.verification import (
    PLAN_BREAKS_RULE,
    PLAN_HAS_INVALID_ACTION,
    PLAN_HAS_UNKNOWN_ACTION,
)
from tests.world.engine import EngineWorld
from tests.world.values import host, id_of, server

Moves = Sequence[tuple[str, str]]
BECAUSE = Cause(REQUESTED_BY_PARAMETERS, {"strategy": "reckless"})


class Reckless(Strategy[NoParameters]):
    """A strategy with a defect: it moves servers without asking the rules.

    Args:
        moves: (server, destination) by name.
        use: cores that each server uses, and its limit on each host; None: it declares no load.
    """

    name = "reckless"
    display_name = "Reckless"
    goal = "dummy"

    def __init__(self, moves: Moves, use: tuple[float, float] | None = None) -> None:
        self._moves = moves
        self._use = use

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        model = context.compute
        found = [
            migrate(model, model.server_places[id_of(one)], model.host_places[to], "live", BECAUSE)
            for one, to in self._moves
        ]
        if self._use is None:
            return Solution(tuple(found))
        use, limit = self._use
        need = np.full((len(model.servers), 2), use)
        shape = (2, len(model.hosts))
        load = MeasuredLoad.of(need, np.zeros(shape), np.full(shape, limit))
        return Solution(tuple(found), load=load)


class AllAtOnce(Planner[NoOptions]):
    """A planner with a defect: it orders nothing."""

    name = "weight"

    def plan(self, solution: Solution, context: PlanContext[NoOptions]) -> Sequence[PlannedAction]:
        del context
        return [PlannedAction(action, ()) for action in solution.actions]


def run(world: EngineWorld, strategy: Strategy[Any], scope: list[Any] | None = None) -> UUID:
    world.strategies["reckless"] = strategy
    audit = world.request(goal="dummy", strategy="reckless", scope=scope or [])
    world.work()
    return audit


def refused_by(world: EngineWorld, audit: UUID) -> str | None:
    """The rule that a plan breaks; None if it was published."""
    found = world.find_audit(audit)
    if found.state is AuditState.SUCCEEDED:
        assert len(world.find_plans(audit)) == 1
        return None
    assert found.state is AuditState.FAILED
    assert found.because is not None
    assert found.because.reason == PLAN_BREAKS_RULE
    assert not world.find_plans(audit)
    return str(found.because.facts["rule"])


def full(world: EngineWorld) -> Moves:
    """A host without room for another server, and the move of one to it."""
    world.cloud.servers = [server("1", "a"), server("2", "b", vcpus=15)]
    return [("1", "b")]


def test_a_plan_that_breaks_a_rule_fails_its_run_and_names_what_breaks_what(
    world: EngineWorld, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        audit = run(world, Reckless(full(world)))
    assert refused_by(world, audit) == "Capacity"
    because = world.find_audit(audit).because
    assert str(because) == (
        "The plan breaks placement rules and is not published. It is a defect of strategy "
        "reckless, of its parameters, or of planner weight: action 1 (migrate) may not bring "
        "server 1 to b by rule Capacity; 1 violations in all."
    )
    assert "action 1 (migrate) may not bring server 1 to b by rule Capacity" in caplog.text


def test_without_the_guard_such_a_plan_is_published(
    world: EngineWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nothing else refuses it."""
    monkeypatch.setattr(plan_checks, "verify_plan", lambda *_, **__: [])
    assert refused_by(world, run(world, Reckless(full(world)))) is None


def test_a_plan_whose_order_alone_breaks_a_rule_is_refused(world: EngineWorld) -> None:
    world.cloud.servers = [server("1", "a", vcpus=10), server("2", "b", vcpus=10)]
    moves = [("2", "c"), ("1", "b")]
    assert refused_by(world, run(world, Reckless(moves))) is None
    world.planners["weight"] = AllAtOnce()
    assert refused_by(world, run(world, Reckless(moves))) == "Capacity"


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        ({}, None),
        ({"bans": [{"servers": ["1"], "hosts": ["c"]}]}, "FencesAndBans"),
        ({"fences": [{"servers": ["1"], "hosts": ["a", "b"]}]}, "FencesAndBans"),
        ({"apart": [["1", "4"]]}, "AntiAffinity"),
        ({"together": [["1", "2"]]}, "Affinity"),
    ],
)
def test_the_operators_rules_are_guarded(
    world: EngineWorld, rules: dict[str, Any], rule: str | None
) -> None:
    scope = [{"compute": [{"rules": rules}]}]
    assert refused_by(world, run(world, Reckless([("1", "c")]), scope)) == rule


def test_the_policies_in_force_are_guarded(world: EngineWorld) -> None:
    world.cloud.hosts[1] = host("b", zone="other")
    moves = [("1", "b"), ("4", "b")]
    assert refused_by(world, run(world, Reckless(moves))) == "AvailabilityZone"
    world.search = SearchSettings(placement=PlacementPolicy(keep_zone=False))
    assert refused_by(world, run(world, Reckless(moves))) is None


def test_limits_on_migrations_in_progress_are_left_to_the_applier(world: EngineWorld) -> None:
    moves = [("1", "b"), ("4", "b")]
    limits = ConcurrencyLimits(per_host=1)
    world.search = SearchSettings(placement=PlacementPolicy(limits=limits))
    world.planners["weight"] = AllAtOnce()
    assert refused_by(world, run(world, Reckless(moves))) is None


def test_measured_use_is_guarded_if_the_strategy_declares_it(world: EngineWorld) -> None:
    moves = [("1", "c")]
    assert refused_by(world, run(world, Reckless(moves))) is None
    assert refused_by(world, run(world, Reckless(moves, (4.0, 8.0)))) is None
    assert refused_by(world, run(world, Reckless(moves, (4.0, 7.0)))) == "Capacity"


def test_a_server_that_the_model_does_not_have_is_refused(world: EngineWorld) -> None:
    action = {"migration_type": "live", "source_node": "a", "destination_node": "c"}
    listed = {"action_type": "migrate", "resource_id": str(UUID(int=9)), "input_parameters": action}
    audit = world.request(
        goal="unclassified", strategy="actuator", parameters={"actions": [listed]}
    )
    world.work()
    assert refused_by(world, audit) == "Known"


def test_a_migration_to_a_host_that_nova_chooses_is_left_to_nova(world: EngineWorld) -> None:
    action = {"migration_type": "live", "source_node": "a"}
    listed = {"action_type": "migrate", "resource_id": str(UUID(int=1)), "input_parameters": action}
    audit = world.request(
        goal="unclassified", strategy="actuator", parameters={"actions": [listed]}
    )
    world.work()
    assert refused_by(world, audit) is None


def test_a_plan_with_an_action_of_an_unknown_type_is_not_published(world: EngineWorld) -> None:
    """The run succeeded, and only the start of its plan failed."""

    class Flying(Reckless):
        def solve(self, context: StrategyContext[NoParameters]) -> Solution:
            return Solution((ProposedAction("fly", "", {}, BECAUSE),))

    audit = run(world, Flying([]))
    assert world.find_audit(audit).because == Cause(
        PLAN_HAS_UNKNOWN_ACTION,
        {"strategy": "reckless", "planner": "weight", "number": 1, "type": "fly"},
    )
    assert world.find_plans(audit) == []


def test_a_plan_with_an_invalid_parameter_is_not_published(world: EngineWorld) -> None:
    """The run succeeded, and the action failed at its turn."""

    class Misspelling(Reckless):
        def solve(self, context: StrategyContext[NoParameters]) -> Solution:
            return Solution((ProposedAction("nop", "", {"mesage": "hello"}, BECAUSE),))

    audit = run(world, Misspelling([]))
    assert world.find_audit(audit).because == Cause(
        PLAN_HAS_INVALID_ACTION,
        {
            "strategy": "reckless",
            "planner": "weight",
            "number": 1,
            "action": "nop",
            "field": "mesage",
            "rule": "is not a parameter of this action",
        },
    )
    assert world.find_plans(audit) == []


@pytest.mark.parametrize(
    ("listed", "error"),
    [
        ({"action_type": "fly", "input_parameters": {}}, "parameters/actions/0/action_type"),
        (
            {"action_type": "nop", "input_parameters": {}},
            "parameters/actions/0/input_parameters/message",
        ),
    ],
)
def test_an_actuator_run_with_an_action_that_cannot_be_executed_fails(
    world: EngineWorld, listed: JsonObject, error: str
) -> None:
    """PATCH stores any parameters: the run checks them again."""
    audit = world.request(
        goal="unclassified", strategy="actuator", parameters={"actions": [listed]}
    )
    world.work()
    because = world.find_audit(audit).because
    assert because is not None
    assert because.reason == PARAMETERS_INVALID
    assert str(because.facts["error"]).startswith(error)
    assert world.find_plans(audit) == []


def test_a_run_whose_parameters_name_a_host_that_does_not_exist_fails_and_says_so(
    world: EngineWorld,
) -> None:
    """It was reported as a defect of the strategy: "InvalidValue: ..."."""
    wanted: JsonObject = {"maintenance_node": "nowhere"}
    audit = world.request(
        goal="cluster_maintaining", strategy="host_maintenance", parameters=wanted
    )
    world.work()
    found = world.find_audit(audit)
    assert found.state is AuditState.FAILED
    assert found.because is not None
    assert found.because.reason == PARAMETERS_INVALID
    assert str(found.because.facts["error"]).startswith("maintenance_node: must name")


def test_a_host_that_the_plan_switches_off_takes_no_server(world: EngineWorld) -> None:
    class SwitchesOff(Reckless):
        def solve(self, context: StrategyContext[NoParameters]) -> Solution:
            power: JsonObject = {"state": "off", "resource_name": "c"}
            off = ProposedAction("change_node_power_state", "node-c", power, BECAUSE)
            return Solution((off, *super().solve(context).actions))

    assert refused_by(world, run(world, SwitchesOff([("1", "b")]))) is None
    world.planners["weight"] = AllAtOnce()
    assert refused_by(world, run(world, SwitchesOff([("1", "c")]))) == "ServiceUp"
