from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import pytest

from application.decision_engine.engine import OUTAGE_RETRY, RunPolicy, solve_and_plan
from application.kernel.retry import RetryPolicy
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import ConcurrencyConflict, EventLog, EventLogUnavailable
from application.ports.metrics import MetricsUnavailable
from application.ports.projections import StoreUnavailable
from application.ports.services import Instance
from application.records.decision import decode_explanation, decode_record
from domain.audits import Audit, AuditState, AuditType, RunCause
from domain.cluster.kinds import ModelKind
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause, Reason
from domain.optimization import PLANNERS, STRATEGIES
from domain.optimization.strategy import COMPUTE_ONLY, StrategyInputs
from domain.plans import ActionPlan, PlanState
from tests.integration.workshop import CLOCK, Workshop, server

DEFERRED_TWICE = RetryPolicy(first_pause=0.0, attempts=3)


@pytest.fixture
def shop(event_database: str, event_log: EventLog) -> Iterator[Workshop]:
    shop = Workshop(event_database, event_log)
    yield shop
    shop.close()


def reason(shop: Workshop, audit: Any) -> Reason | None:
    because = shop.audit(audit).because
    return None if because is None else because.reason


def test_a_requested_run_becomes_a_plan_with_efficacy(shop: Workshop) -> None:
    audit = shop.request()
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    (plan,) = shop.plans(audit)
    assert plan.state is PlanState.RECOMMENDED
    assert {one.spec.type for one in plan.actions.values()} >= {"migrate"}
    view = shop.read.action_plan(plan.id)
    assert view is not None
    assert view.global_efficacy[0]["name"] == "released_nodes_ratio"
    assert view.global_efficacy[0]["value"] > 0


def test_the_record_decides_the_same_again(shop: Workshop) -> None:
    """Law 5: same record in, same plan out."""
    audit = shop.request()
    shop.work()
    (plan,) = shop.plans(audit)
    record = decode_record(shop.records.get(plan.record))
    _, planned = solve_and_plan(record, STRATEGIES[record.strategy], PLANNERS["weight"](None, None))
    explained = decode_explanation(shop.records.get(view_explanation(shop, plan.id)))
    assert [one.action for one in planned] == [one.action for one in explained.actions]
    specs = list(plan.actions.values())
    assert [one.action.because for one in planned] == [one.spec.because for one in specs]


def view_explanation(shop: Workshop, plan: Any) -> str:
    view = shop.read.action_plan(plan)
    assert view is not None
    return view.explanation


def test_a_cloud_with_nothing_to_improve_gives_a_succeeded_empty_plan_and_says_why(
    shop: Workshop,
) -> None:
    shop.cloud.servers = []
    audit = shop.request()
    shop.work()
    (plan,) = shop.plans(audit)
    view = shop.read.action_plan(plan.id)
    assert view is not None
    if plan.actions:  # empty hosts may be worth disabling
        assert {one.spec.type for one in plan.actions.values()} == {"change_nova_service_state"}
    else:
        assert plan.state is PlanState.SUCCEEDED
        assert view.notes


def test_a_strategy_of_another_goal_is_measured_by_its_own(shop: Workshop) -> None:
    """The API takes any strategy with any goal, as the original does; such a run failed here with
    `InvalidValue: compute_nodes_count: is no indicator of goal dummy`."""
    audit = shop.request(goal="dummy", strategy="vm_workload_consolidation")
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    (plan,) = shop.plans(audit)
    view = shop.read.action_plan(plan.id)
    assert view is not None
    shown = {one["name"] for one in view.efficacy_indicators}
    assert "compute_nodes_count" in shown
    assert [one["name"] for one in view.global_efficacy] == ["released_nodes_ratio"]


def test_an_unreachable_cloud_defers_the_run_and_the_next_attempt_succeeds(
    shop: Workshop,
) -> None:
    shop.cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503")]
    audit = shop.request()
    shop.work()
    assert reason(shop, audit) is Reason.CLOUD_UNREACHABLE
    assert shop.audit(audit).state is AuditState.ONGOING
    shop.work(rounds=2)
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    assert len(shop.plans(audit)) == 1


def test_a_run_gives_up_after_its_attempts(shop: Workshop) -> None:
    shop.cloud.surprises = [CloudUnreachable("503")] * 9
    audit = shop.request()
    shop.work(shop.engine(policy=RunPolicy(DEFERRED_TWICE)), rounds=5)
    assert shop.audit(audit).state is AuditState.FAILED
    assert reason(shop, audit) is Reason.CLOUD_UNREACHABLE
    assert len(shop.cloud.surprises) == 6


def test_a_deferred_run_waits_for_its_time(shop: Workshop) -> None:
    shop.cloud.surprises = [CloudUnreachable("503")]
    audit = shop.request()
    in_an_hour = RunPolicy(RetryPolicy(first_pause=3600.0))
    shop.work(shop.engine(policy=in_an_hour), rounds=3)
    run = shop.audit(audit).run
    assert run is not None
    assert run.attempt == 1
    assert run.owner is None


def test_metrics_that_are_away_defer_too(shop: Workshop) -> None:
    shop.metrics.surprises = [MetricsUnavailable("no route")]
    audit = shop.request()
    shop.work()
    assert reason(shop, audit) is Reason.METRICS_UNAVAILABLE
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED


@pytest.mark.parametrize(
    "outage", [StoreUnavailable("busy"), EventLogUnavailable("gone"), ConcurrencyConflict("late")]
)
def test_an_outage_of_the_database_is_no_fault_of_the_run(
    shop: Workshop, outage: Exception
) -> None:
    """It came while the run gathered, and the audit was FAILED for good, with internal-error."""
    shop.metrics.surprises = [outage]
    audit = shop.request()
    with pytest.raises(type(outage)):
        shop.work()
    assert shop.audit(audit).state is AuditState.ONGOING
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    assert len(shop.plans(audit)) == 1


def test_an_outage_while_the_explanation_is_stored_is_no_fault_of_the_strategy(
    shop: Workshop,
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

    records = shop.records
    shop.records = Failing()  # type: ignore[assignment]
    audit = shop.request()
    with pytest.raises(EventLogUnavailable):
        shop.work()
    shop.records = records
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED


def test_pauses_grow_to_the_longest_one_however_many_attempts_are_granted() -> None:
    """After a thousand of them the doubled pause was more than a float can hold."""
    policy = replace(OUTAGE_RETRY, attempts=1_000_001)
    pauses = list(islice(policy.delays(), 5001))
    assert [pauses[attempt] for attempt in (0, 1, 5, 6, 5000)] == [5, 10, 160, 300, 300]


def test_a_refusal_of_the_cloud_fails_the_run_with_its_words(shop: Workshop) -> None:
    refusal = Cause(Reason.CLOUD_REFUSED, {"error": "403 not allowed"})
    shop.cloud.surprises = [CloudRefused(refusal)]
    audit = shop.request()
    shop.work()
    view = shop.read.audit(str(audit))
    assert view is not None
    assert view.state == "FAILED"
    assert "403 not allowed" in (view.status_message or "")


def test_a_broken_strategy_fails_its_run_and_no_other(shop: Workshop) -> None:
    class Broken:
        name, display_name, goal, planner = "broken", "Broken", "dummy", "weight"
        parameters_schema: dict[str, object] = {}  # noqa: RUF012 - the contract's attribute

        def models(self, parameters: Any) -> frozenset[ModelKind]:
            return COMPUTE_ONLY

        def metrics(self, parameters: Any) -> tuple[()]:
            return ()

        def solve(self, inputs: StrategyInputs) -> Any:
            raise ZeroDivisionError("division by zero")

    shop.strategies["broken"] = Broken()
    bad = shop.request(goal="dummy", strategy="broken")
    good = shop.request(goal="dummy", strategy="dummy")
    shop.work()
    assert shop.audit(bad).state is AuditState.FAILED
    assert "division by zero" in str(shop.audit(bad).because)
    assert shop.audit(good).state is AuditState.SUCCEEDED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strategy": "nosuch"}, Reason.STRATEGY_UNKNOWN),
        ({"goal": "airflow_optimization"}, Reason.NO_STRATEGY_FOR_GOAL),
        ({"parameters": {"period": "soon"}}, Reason.PARAMETERS_INVALID),
        ({"scope": [{"compute": [{"nonsense": []}]}]}, Reason.SCOPE_INVALID),
        (
            {"scope": [{"compute": [{"availability_zones": [{"name": "mars"}]}]}]},
            Reason.MODEL_EMPTY,
        ),
    ],
)
def test_a_hopeless_run_fails_with_its_reason(
    shop: Workshop, changes: dict[str, Any], expected: Reason
) -> None:
    audit = shop.request(**changes)
    shop.work()
    assert shop.audit(audit).state is AuditState.FAILED
    assert reason(shop, audit) is expected


@pytest.mark.parametrize("kind", ["compute", "storage"])
def test_a_scope_with_a_wildcard_in_company_fails_the_run_and_says_where(
    shop: Workshop, kind: str
) -> None:
    """The API stores it. A client must then read from the audit which list is wrong, and why."""
    scope = [{kind: [{"availability_zones": [{"name": "*"}, {"name": "z"}]}]}]
    audit = shop.request(scope=scope)
    shop.work()
    assert shop.audit(audit).state is AuditState.FAILED
    assert str(shop.audit(audit).because) == (
        f"The audit scope is invalid: scope[0].{kind}[0].availability_zones: "
        "must not combine the wildcard '*' with other names"
    )


def test_a_cancel_during_the_run_wins_and_no_plan_appears(shop: Workshop) -> None:
    """The original overwrote the cancel and launched the plan (hazard D1)."""
    audit = shop.request(auto_trigger=True)
    shop.cloud.meanwhile = lambda: shop.change_audit(
        audit, lambda one, ctx: one.move(ctx, AuditState.CANCELLED)
    )
    shop.work()
    assert shop.audit(audit).state is AuditState.CANCELLED
    assert shop.plans(audit) == []


def test_auto_trigger_launches_in_the_transaction_that_publishes(shop: Workshop) -> None:
    audit = shop.request(auto_trigger=True)
    shop.work()
    (plan,) = shop.plans(audit)
    assert plan.state is PlanState.PENDING


def test_each_continuous_run_replaces_the_earlier_recommended_plan(shop: Workshop) -> None:
    audit = shop.request(AuditType.CONTINUOUS, interval="1")
    for seconds in (2, 1):
        due = CLOCK.now() - timedelta(seconds=seconds)
        shop.change_audit(audit, partial(request_run, due=due))
        shop.work()
    first, second = shop.plans(audit)
    assert first.state is PlanState.CANCELLED
    assert str(first.because) == "A newer run of the audit replaced this plan."
    assert second.state is PlanState.RECOMMENDED
    assert shop.audit(audit).state is AuditState.ONGOING


def request_run(audit: Audit, ctx: Context, due: datetime) -> None:
    audit.request_run(ctx, due, RunCause.SCHEDULE)


def executing_plan(shop: Workshop, **changes: Any) -> Any:
    first = shop.request(**changes)
    shop.work()
    (plan,) = shop.plans(first)
    shop.change_plan(plan.id, lambda one, ctx: one.launch(ctx))
    shop.change_plan(plan.id, lambda one, ctx: one.claim(ctx, "applier", "here"))
    return plan.id


def test_a_oneshot_audit_is_cancelled_while_a_plan_is_executed(shop: Workshop) -> None:
    executing_plan(shop)
    audit = shop.request()
    shop.work()
    assert shop.audit(audit).state is AuditState.CANCELLED
    assert reason(shop, audit) is Reason.PLAN_IN_PROGRESS


def test_force_runs_an_audit_beside_a_plan_that_is_executed(shop: Workshop) -> None:
    executing_plan(shop)
    audit = shop.request(force=True)
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED


def test_a_continuous_run_is_deferred_not_dropped_while_a_plan_is_executed(
    shop: Workshop,
) -> None:
    """The original dropped the tick (hazard A6)."""
    plan = executing_plan(shop)
    audit = shop.request(AuditType.CONTINUOUS)
    shop.tick()
    shop.work()
    assert reason(shop, audit) is Reason.PLAN_IN_PROGRESS
    shop.change_plan(plan, skip_everything)
    shop.work()
    assert len(shop.plans(audit)) == 1


def test_waiting_for_another_plan_uses_up_no_attempt(shop: Workshop) -> None:
    """A run that had waited for its turn was FAILED at the first hiccup of the cloud after it."""
    plan = executing_plan(shop)
    audit = shop.request(AuditType.CONTINUOUS)
    shop.tick()
    engine = shop.engine(policy=RunPolicy(DEFERRED_TWICE, plan_wait=0.0))
    shop.work(engine, rounds=5)
    run = shop.audit(audit).run
    assert run is not None
    assert (reason(shop, audit), run.attempt) == (Reason.PLAN_IN_PROGRESS, 0)
    shop.change_plan(plan, skip_everything)
    shop.cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503")]
    shop.work(engine, rounds=3)
    assert len(shop.plans(audit)) == 1


def test_a_run_that_waits_for_another_plan_says_so_once(shop: Workshop) -> None:
    """Each look at the plan that is being executed appended two events: in a day of it,
    thousands for each audit that waited.

    Whoever looks: the engine may have been killed and started anew. Nor does a second plan that
    is executed change why it waits, as long as the first one is."""
    first, second = executing_plan(shop), executing_plan(shop, force=True)
    audit = shop.request(AuditType.CONTINUOUS)
    shop.tick()
    waits = ["audit.run-claimed", "audit.run-deferred"]
    told = [*topics(shop, audit), *waits]
    for name in ("one", "one", "two"):
        shop.work(shop.engine(name), rounds=3)
        assert topics(shop, audit) == told
        assert waiting_for(shop, audit) == f"Action plan {first} is ongoing."
        (last,) = shop.read.timeline(aggregate_ids=[audit], limit=1, newest_first=True)
        assert last.summary == f"Run waiting: Action plan {first} is ongoing."
    shop.change_plan(first, skip_everything)
    shop.work(rounds=5)
    assert topics(shop, audit) == [*told, *waits]
    assert waiting_for(shop, audit) == f"Action plan {second} is ongoing."
    shop.change_plan(second, skip_everything)
    shop.work()
    assert len(shop.plans(audit)) == 1
    assert waiting_for(shop, audit) is None


def test_a_run_that_waits_says_so_again_after_something_else_was_said(shop: Workshop) -> None:
    """What a user sees must tell why it waits, also after the user wrote something over it."""
    plan = executing_plan(shop)
    audit = shop.request(AuditType.CONTINUOUS)
    shop.tick()
    shop.work(rounds=2)
    shop.change_audit(audit, lambda one, ctx: one.move(ctx, AuditState.SUSPENDED))
    shop.change_audit(audit, lambda one, ctx: one.move(ctx, AuditState.ONGOING))
    shop.change_audit(audit, partial(request_run, due=CLOCK.now()))
    assert waiting_for(shop, audit) is None
    shop.work(rounds=2)
    assert waiting_for(shop, audit) == f"Action plan {plan} is ongoing."


def test_an_engine_that_was_killed_at_the_gate_leaves_a_run_that_goes_on(shop: Workshop) -> None:
    """Between its claim and what it meant to say."""
    plan = executing_plan(shop)
    audit = shop.request(AuditType.CONTINUOUS)
    shop.tick()
    run = shop.audit(audit).run
    assert run is not None
    shop.engine("dead")
    shop.change_audit(audit, lambda one, ctx: one.claim_run(ctx, run.id, "engine/dead", "dead"))
    shop.services.retire("engine/dead")
    shop.work(rounds=3)
    assert waiting_for(shop, audit) == f"Action plan {plan} is ongoing."
    assert topics(shop, audit).count("audit.run-deferred") == 1
    shop.change_plan(plan, skip_everything)
    shop.work()
    assert len(shop.plans(audit)) == 1


def waiting_for(shop: Workshop, audit: Any) -> str | None:
    """What a user is told."""
    view = shop.read.audit(str(audit))
    assert view is not None
    return view.status_message


def skip_everything(plan: ActionPlan, ctx: Context) -> None:
    for action in list(plan.actions):
        plan.skip_action(ctx, plan.epoch, action, Cause(Reason.SERVER_NOT_FOUND))


def test_a_run_is_left_alone_while_its_owner_lives(shop: Workshop) -> None:
    audit = shop.request()
    run = shop.audit(audit).run
    assert run is not None
    other = Instance("engine/other", "watcher-decision-engine", "elsewhere", 1, "", "")
    shop.services.beat(other)
    shop.change_audit(audit, lambda one, ctx: one.claim_run(ctx, run.id, other.id, other.host))
    shop.work()
    assert shop.plans(audit) == []
    shop.services.retire(other.id)
    shop.work()
    assert len(shop.plans(audit)) == 1
    claims = [topic for topic in topics(shop, audit) if topic == "audit.run-claimed"]
    assert len(claims) == 2


def topics(shop: Workshop, aggregate: Any) -> list[str]:
    return [entry.topic for entry in shop.log.history(aggregate)]


def test_a_server_on_an_unknown_host_is_quarantined_and_the_rest_is_used(shop: Workshop) -> None:
    shop.cloud.servers.append(server("lost", "nowhere"))
    audit = shop.request()
    shop.work()
    (plan,) = shop.plans(audit)
    record = decode_record(shop.records.get(plan.record))
    assert Reason.UNKNOWN_HOST in {problem.reason for problem in record.problems}
