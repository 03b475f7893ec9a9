from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

import msgspec
import pytest

from application.decision_engine.computation import compute
from application.decision_engine.decisions import SearchSettings
from application.decision_engine.engine import OUTAGE_RETRY, RunPolicy
from application.kernel.retry import RetryPolicy
from application.kernel.typed_values import typed
from application.ports.cloud import CLOUD_REFUSED, CLOUD_UNREACHABLE, CloudRefused, CloudUnreachable
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.metrics import MetricsUnavailable
from application.ports.plugins import OptimizerOptions
from application.ports.projections import StoreUnavailable
from application.ports.services import Instance
from application.records.decision import (
    DecisionExplanation,
    DecisionRecord,
    decode_explanation,
    decode_record,
)
from domain.audits import Audit, AuditState, AuditType
from domain.audits.reasons import PARAMETERS_INVALID
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from domain.cluster.scope.reasons import MODEL_EMPTY, SCOPE_INVALID
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import INSTANCE_CPU_USAGE, METRICS_INCOMPLETE, METRICS_UNAVAILABLE
from domain.optimization.algorithms.emptying import HOST_WAS_EMPTY, STAYS_IN_USE
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import NoParameters, Strategy
from domain.plans import ActionPlan, PlanState
from domain.plans.proposal import PlannedAction
from tests.world.engine import EngineWorld, reason, request_run, topics
from tests.world.values import host, id_of, server
from tests.world.world import CLOCK

DEFERRED_TWICE = RetryPolicy(first_pause=0.0, attempts=3)


def test_a_requested_run_becomes_a_plan_with_efficacy(world: EngineWorld) -> None:
    audit = world.request()
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    (plan,) = world.find_plans(audit)
    assert plan.state is PlanState.RECOMMENDED
    assert {one.spec.type for one in plan.actions.values()} >= {"migrate"}
    view = world.reads.action_plan(plan.id)
    assert view is not None
    assert view.global_efficacy[0]["name"] == "released_nodes_ratio"
    assert view.global_efficacy[0]["value"] > 0


def test_the_record_decides_the_same_again(world: EngineWorld) -> None:
    """Law 5: same record in, same plan out: actions, reasons, order, and what it depends on."""
    world.options = _sleep_before_messages(world)
    audit = world.request()
    world.work(world.engine())
    (plan,) = world.find_plans(audit)
    record, explained = _record_of(world, plan), _explanation_of(world, plan)
    planned = compute(record, world.optimizers)
    assert planned.actions
    assert any(one.parents for one in planned.actions)
    assert list(planned.actions) == explained.actions
    assert list(planned.notes) == explained.notes
    assert planned.indicators == explained.indicators
    assert list(planned.rejections) == explained.rejections
    assert _published(plan) == [_plain(one) for one in planned.actions]


def test_the_record_holds_the_options_and_limits_in_force(world: EngineWorld) -> None:
    """With values, not references to defaults: a default that changes later changes no rerun."""
    world.options = _sleep_before_messages(world)
    world.search = SearchSettings(
        steps=12345, placement=PlacementPolicy(limits=ConcurrencyLimits(total=7))
    )
    audit = world.request()
    world.work(world.engine())
    (plan,) = world.find_plans(audit)
    record = _record_of(world, plan)
    weight, strategy = world.optimizers.planners["weight"], record.strategy
    in_force = vars(world.options.planners["weight"])
    assert typed(record.planner_options, weight.options) == world.options.planners["weight"]
    assert msgspec.to_builtins(in_force) == record.planner_options
    assert record.strategy_options == asdict(world.options.strategies[strategy])
    assert record.parameters == {
        "granularity": 300,
        "period": 3600,
        "max_migrations": 0,
        "migrations_per_host": 0,
        "minimum_gain": 0,
        "reserve": 0,
    }
    assert (record.placement.limits.total, record.steps) == (7, 12345)


@pytest.mark.parametrize(
    "changes",
    [
        {"planner_options": {}},
        {"parameters": {"para1": 1.5, "para2": "other"}},
    ],
    ids=["options", "parameters"],
)
def test_another_record_decides_something_else(
    world: EngineWorld, changes: Mapping[str, Any]
) -> None:
    """The control: what is compared above depends on options and parameters."""
    world.options = _sleep_before_messages(world)
    audit = world.request(goal="dummy", strategy="dummy")
    world.work(world.engine())
    (plan,) = world.find_plans(audit)
    record = msgspec.structs.replace(_record_of(world, plan), **changes)
    again = compute(record, world.optimizers).actions
    assert _published(plan) != [_plain(one) for one in again]


def _sleep_before_messages(world: EngineWorld) -> OptimizerOptions:
    """Options that start the plan of the dummy strategy with its longest action."""
    usual = world.optimizers.default_options()
    weight = usual.planners["weight"]
    weights = {**weight.weights, "sleep": 99}
    return replace(usual, planners={**usual.planners, "weight": replace(weight, weights=weights)})


def _record_of(world: EngineWorld, plan: ActionPlan) -> DecisionRecord:
    return decode_record(world.records.get(plan.record))


def _explanation_of(world: EngineWorld, plan: ActionPlan) -> DecisionExplanation:
    view = world.reads.action_plan(plan.id)
    assert view is not None
    return decode_explanation(world.records.get(view.explanation))


def _published(plan: ActionPlan) -> list[tuple[object, ...]]:
    """Of each action of a plan: what, why, and the places of those it waits for and needs."""
    places = {one: place for place, one in enumerate(plan.actions)}
    return [
        (
            spec.type,
            spec.parameters,
            spec.because,
            tuple(places[one] for one in spec.parents),
            tuple(places[one] for one in spec.requires),
        )
        for spec in (one.spec for one in plan.actions.values())
    ]


def _plain(planned: PlannedAction) -> tuple[object, ...]:
    action = planned.action
    resource = {"resource_id": action.resource_id} if action.resource_id else {}
    given = {**action.parameters, **resource}
    return action.type, given, action.because, planned.parents, planned.requires


def test_a_cloud_with_nothing_to_improve_gives_a_succeeded_empty_plan_and_says_why(
    world: EngineWorld,
) -> None:
    """All servers are on one host, which cannot be emptied."""
    world.cloud.hosts, world.cloud.servers = [host("a")], [server("1", "a")]
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    assert (dict(plan.actions), plan.state) == ({}, PlanState.SUCCEEDED)
    explained = _explanation_of(world, plan)
    view = world.reads.action_plan(plan.id)
    assert view is not None
    assert STAYS_IN_USE in {note.reason for note in explained.notes}
    assert view.notes == [str(note) for note in explained.notes]


def test_hosts_without_servers_are_only_taken_out_of_service(world: EngineWorld) -> None:
    world.cloud.servers = []
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    assert plan.state is PlanState.RECOMMENDED
    specs = [one.spec for one in plan.actions.values()]
    assert {(one.type, one.because.reason) for one in specs} == {
        ("change_nova_service_state", HOST_WAS_EMPTY)
    }


def test_a_plan_without_any_known_metric_says_that_only_allocations_count(
    world: EngineWorld,
) -> None:
    """It was like any other: 50 % released, and nothing that a dashboard shows said why."""
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    view = world.reads.action_plan(plan.id)
    assert view is not None
    assert view.actions_total
    assert view.notes[0] == view.status_message
    assert view.status_message == (
        "No metric of vm_workload_consolidation is known: nothing but allocations is considered."
    )
    other = world.request(goal="dummy", strategy="dummy", force=True)
    world.work()
    (plain,) = world.find_plans(other)
    view = world.reads.action_plan(plain.id)
    assert view is not None
    assert (view.notes, view.status_message) == ([], None), "it uses no metrics"


def test_a_plan_of_incomplete_metrics_says_so(world: EngineWorld) -> None:
    """A Prometheus that reads from others warns that one of them did not answer. The plan was like
    any other: the warning was in a log only."""
    world.metrics.values = {INSTANCE_CPU_USAGE: {id_of("1"): 50.0}}
    facts: dict[str, object] = {
        "metric": INSTANCE_CPU_USAGE,
        "warning": "remote_read: connection refused",
    }
    incomplete = Cause(METRICS_INCOMPLETE, facts)
    world.metrics.problems = (incomplete, Cause(METRICS_UNAVAILABLE, {"error": "another one"}))
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    view = world.reads.action_plan(plan.id)
    assert view is not None
    assert view.notes[-1] == str(incomplete)
    assert not any("another one" in note for note in view.notes)
    assert incomplete in _record_of(world, plan).problems
    assert incomplete in _explanation_of(world, plan).notes


def test_a_plan_with_one_known_value_rests_on_more_than_allocations(world: EngineWorld) -> None:
    world.metrics.values = {INSTANCE_CPU_USAGE: {id_of("1"): 50.0}}
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    view = world.reads.action_plan(plan.id)
    assert view is not None
    assert view.status_message == view.notes[0] == "instance_cpu_usage of 3 of 4 servers is unknown"


def test_a_strategy_of_another_goal_is_measured_by_its_own(world: EngineWorld) -> None:
    """The API takes any strategy with any goal, as the original does; such a run failed here with
    `InvalidValue: compute_nodes_count: is no indicator of goal dummy`."""
    audit = world.request(goal="dummy", strategy="vm_workload_consolidation")
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    (plan,) = world.find_plans(audit)
    view = world.reads.action_plan(plan.id)
    assert view is not None
    shown = {one["name"] for one in view.efficacy_indicators}
    assert "compute_nodes_count" in shown
    assert [one["name"] for one in view.global_efficacy] == ["released_nodes_ratio"]


def test_an_unreachable_cloud_defers_the_run_and_the_next_attempt_succeeds(
    world: EngineWorld,
) -> None:
    world.cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503")]
    audit = world.request()
    world.work()
    assert reason(world, audit) == CLOUD_UNREACHABLE
    assert world.find_audit(audit).state is AuditState.ONGOING
    world.work(rounds=2)
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert len(world.find_plans(audit)) == 1


def test_a_run_gives_up_after_its_attempts(world: EngineWorld) -> None:
    world.cloud.surprises = [CloudUnreachable("503")] * 9
    audit = world.request()
    world.work(world.engine(policy=RunPolicy(DEFERRED_TWICE)), rounds=5)
    assert world.find_audit(audit).state is AuditState.FAILED
    assert reason(world, audit) == CLOUD_UNREACHABLE
    assert len(world.cloud.surprises) == 6


def test_a_deferred_run_waits_for_its_time(world: EngineWorld) -> None:
    world.cloud.surprises = [CloudUnreachable("503")]
    audit = world.request()
    in_an_hour = RunPolicy(RetryPolicy(first_pause=3600.0))
    world.work(world.engine(policy=in_an_hour), rounds=3)
    run = world.find_audit(audit).run
    assert run is not None
    assert run.attempt == 1
    assert run.owner is None


def test_metrics_that_are_away_defer_too(world: EngineWorld) -> None:
    world.metrics.surprises = [MetricsUnavailable("no route")]
    audit = world.request()
    world.work()
    assert reason(world, audit) == METRICS_UNAVAILABLE
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED


@pytest.mark.parametrize(
    "outage", [StoreUnavailable("busy"), EventLogUnavailable("gone"), ConcurrencyConflict("late")]
)
def test_an_outage_of_the_database_is_no_fault_of_the_run(
    world: EngineWorld, outage: Exception
) -> None:
    """It came while the run gathered, and the audit was FAILED for good, with internal-error."""
    world.metrics.surprises = [outage]
    audit = world.request()
    with pytest.raises(type(outage)):
        world.work()
    assert world.find_audit(audit).state is AuditState.ONGOING
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert len(world.find_plans(audit)) == 1


def test_an_outage_while_the_explanation_is_stored_is_no_fault_of_the_strategy(
    world: EngineWorld,
) -> None:
    class Failing:
        """Records that cannot be stored, from the third on (model, decision, explanation)."""

        stored = 0

        def put(self, content: bytes) -> str:
            self.stored += 1
            if self.stored == 3:
                raise EventLogUnavailable("store a record")
            return records.put(content)

        def get(self, digest: str) -> bytes:
            return records.get(digest)

    records = world.records
    world.records = Failing()  # type: ignore[assignment]
    audit = world.request()
    with pytest.raises(EventLogUnavailable):
        world.work()
    world.records = records
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED


def test_pauses_grow_to_the_longest_one_however_many_attempts_are_granted() -> None:
    """After a thousand of them the doubled pause was more than a float can hold."""
    policy = replace(OUTAGE_RETRY, attempts=1_000_001)
    pauses = list(islice(policy.delays(), 5001))
    assert [pauses[attempt] for attempt in (0, 1, 5, 6, 5000)] == [5, 10, 160, 300, 300]


def test_a_refusal_of_the_cloud_fails_the_run_with_its_words(world: EngineWorld) -> None:
    refusal = Cause(CLOUD_REFUSED, {"error": "403 not allowed"})
    world.cloud.surprises = [CloudRefused(refusal)]
    audit = world.request()
    world.work()
    view = world.reads.audit(str(audit))
    assert view is not None
    assert view.state == "FAILED"
    assert "403 not allowed" in (view.status_message or "")


def test_a_broken_strategy_fails_its_run_and_no_other(world: EngineWorld) -> None:
    class Broken(Strategy[NoParameters]):
        name, display_name, goal = "broken", "Broken", "dummy"

        def solve(self, context: StrategyContext[NoParameters]) -> Solution:
            raise ZeroDivisionError("division by zero")

    world.strategies["broken"] = Broken()
    bad = world.request(goal="dummy", strategy="broken")
    good = world.request(goal="dummy", strategy="dummy")
    world.work()
    assert world.find_audit(bad).state is AuditState.FAILED
    assert "division by zero" in str(world.find_audit(bad).because)
    assert world.find_audit(good).state is AuditState.SUCCEEDED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parameters": {"period": "soon"}}, PARAMETERS_INVALID),
        ({"scope": [{"compute": [{"nonsense": []}]}]}, SCOPE_INVALID),
        (
            {"scope": [{"compute": [{"availability_zones": [{"name": "mars"}]}]}]},
            MODEL_EMPTY,
        ),
    ],
)
def test_a_hopeless_run_fails_with_its_reason(
    world: EngineWorld, changes: dict[str, Any], expected: Reason
) -> None:
    audit = world.request(**changes)
    world.work()
    assert world.find_audit(audit).state is AuditState.FAILED
    assert reason(world, audit) == expected


@pytest.mark.parametrize("kind", ["compute", "storage"])
def test_a_scope_with_a_wildcard_in_company_fails_the_run_and_says_where(
    world: EngineWorld, kind: str
) -> None:
    """The API stores it. A client must then read from the audit which list is wrong, and why."""
    scope = [{kind: [{"availability_zones": [{"name": "*"}, {"name": "z"}]}]}]
    audit = world.request(scope=scope)
    world.work()
    assert world.find_audit(audit).state is AuditState.FAILED
    assert str(world.find_audit(audit).because) == (
        f"The audit scope is invalid: scope[0].{kind}[0].availability_zones: "
        "must not combine the wildcard '*' with other names"
    )


def test_a_cancel_during_the_run_wins_and_no_plan_appears(world: EngineWorld) -> None:
    """The original overwrote the cancel and launched the plan (hazard D1)."""
    audit = world.request(auto_trigger=True)
    world.cloud.meanwhile = lambda: world.change(
        Audit, audit, lambda one, ctx: one.move(ctx, AuditState.CANCELLED)
    )
    world.work()
    assert world.find_audit(audit).state is AuditState.CANCELLED
    assert world.find_plans(audit) == []


def test_auto_trigger_launches_in_the_transaction_that_publishes(world: EngineWorld) -> None:
    audit = world.request(auto_trigger=True)
    world.work()
    (plan,) = world.find_plans(audit)
    assert plan.state is PlanState.PENDING


def test_each_continuous_run_replaces_the_earlier_recommended_plan(world: EngineWorld) -> None:
    audit = world.request(AuditType.CONTINUOUS, interval="1")
    for seconds in (2, 1):
        due = CLOCK.now() - timedelta(seconds=seconds)
        world.change(Audit, audit, partial(request_run, due=due))
        world.work()
    first, second = world.find_plans(audit)
    assert first.state is PlanState.CANCELLED
    assert str(first.because) == "A newer run of the audit replaced this plan."
    assert second.state is PlanState.RECOMMENDED
    assert world.find_audit(audit).state is AuditState.ONGOING


def test_a_run_is_left_alone_while_its_owner_lives(world: EngineWorld) -> None:
    audit = world.request()
    run = world.find_audit(audit).run
    assert run is not None
    other = Instance("engine/other", "watcher-decision-engine", "elsewhere", 1, "", "")
    world.services.beat(other)
    world.change(Audit, audit, lambda one, ctx: one.claim_run(ctx, run.id, other.id, other.host))
    world.work()
    assert world.find_plans(audit) == []
    world.services.retire(other.id)
    world.work()
    assert len(world.find_plans(audit)) == 1
    claims = [topic for topic in topics(world, audit) if topic == "audit.run-claimed"]
    assert len(claims) == 2


def test_a_server_on_an_unknown_host_is_quarantined_and_the_rest_is_used(
    world: EngineWorld,
) -> None:
    world.cloud.servers.append(server("lost", "nowhere"))
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    record = decode_record(world.records.get(plan.record))
    assert UNKNOWN_HOST in {problem.reason for problem in record.problems}


def test_a_run_records_the_scoring_engines_that_its_strategy_needs(world: EngineWorld) -> None:
    audit = world.request(goal="dummy", strategy="dummy_with_scorer")
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    (plan,) = world.find_plans(audit)
    record = decode_record(world.records.get(plan.record))
    assert [(one.name, one.version) for one in record.engines] == [
        ("dummy_scorer", "1"),
        ("dummy_avg_scorer", "1"),
    ]
    assert "workloads" in record.engines[0].metainfo
