"""A return plan is made of what happened, on today's model, and proved like the plan of a run."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

from application.commands.parameters import completed
from application.commands.plans import PlanCommands
from application.decision_engine.computation import DirectRunner
from application.decision_engine.engine import RunPolicy
from application.kernel.retry import RetryPolicy
from application.ports.cloud import CloudUnreachable, Observation, Phase
from application.records.decision import decode_explanation, decode_record
from application.replay.runs import every_run, proposed
from application.replay.verification import Outcome, Verifier
from application.replay.whatif import Forker, Variation
from domain.audits import AuditType
from domain.cluster.placement.rules.capacity import CAPACITY_SHORT
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.ids import run_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan, PlanState
from domain.plans.action_types.migrate import SERVER_NOT_ON_SOURCE
from domain.plans.reasons import MIGRATION_FAILED, NOT_UNDONE, OUTCOME_UNKNOWN, UNDOES_ACTION
from infrastructure.openstack.actions.nova.migrate import Migrate
from infrastructure.openstack.connection import ConnectionLimits
from interfaces.cli.main import main
from tests.given import NOON
from tests.integration.rest.serving import served
from tests.world.engine import EngineWorld
from tests.world.values import host, id_of, planned, proposal
from tests.world.world import CLOCK, TEST

BROKEN = Cause(MIGRATION_FAILED, {"migration": "m", "server": "s", "status": "error"})


class Observed(Migrate):
    """Finds of a failed migration what the test arranges."""

    def __init__(self, seen: Observation) -> None:
        super().__init__(cast("Any", None), ConnectionLimits(), time.time)
        self._seen = seen

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        return self._seen


LOST = Observation(Phase.FAILED, {"server": "s"}, BROKEN)


def failed(world: EngineWorld, *moves: tuple[str, str, str], seen: Observation = LOST) -> UUID:
    """A plan that failed: all its moves (server, from, to) but the last one took place."""
    world.handlers = {"migrate": Observed(seen)}
    audit = world.request(AuditType.CONTINUOUS, goal="server_consolidation", strategy="basic")
    actions = [
        planned(
            "migrate",
            id_of(server),
            {
                "migration_type": "live",
                "source_node": source,
                "destination_node": to,
                "resource_name": server,
            },
            parents=(at - 1,) if at else (),
        )
        for at, (server, source, to) in enumerate(moves)
    ]

    def execute(ctx: Context) -> ActionPlan:
        plan = ActionPlan.propose(ctx, proposal(audit, run_id(audit, NOON), actions))
        plan.launch(ctx)
        plan.claim(ctx, "applier", "here")
        *done, last = plan.actions
        for action, (_, source, to) in zip(done, moves, strict=False):
            plan.intend_action(ctx, plan.epoch, action, {"before": {"host": source}})
            plan.succeed_action(ctx, plan.epoch, action, {"host": to})
        plan.intend_action(ctx, plan.epoch, last, {"before": {"host": moves[-1][1]}})
        plan.fail_action(ctx, plan.epoch, last, BROKEN)
        return plan

    plan = execute(Context(CLOCK.now(), TEST))
    world.save(plan)
    for server, _, to in moves[:-1]:
        move(world, server, to)
    return plan.id


def move(world: EngineWorld, server: str, to: str) -> None:
    """Moves a server of the arranged cloud."""
    world.cloud.servers = [
        replace(one, host=to) if one.name == server else one for one in world.cloud.servers
    ]


def request(world: EngineWorld, plan: UUID, *, automatic: bool = False) -> None:
    """Requests a return plan."""
    world.change(ActionPlan, plan, lambda one, ctx: one.request_return(ctx, automatic=automatic))


def made(world: EngineWorld, plan: UUID) -> ActionPlan:
    """The return plan of a plan."""
    latest = found(world, plan).returns.latest
    assert latest is not None
    return found(world, latest)


def found(world: EngineWorld, plan: UUID) -> ActionPlan:
    """A plan."""
    one = world.log.find(ActionPlan, plan)
    assert one is not None
    return one


def steps(plan: ActionPlan) -> list[str]:
    """What a plan does, in order."""
    return [action.spec.what for action in plan.actions.values()]


def notes(world: EngineWorld, plan: ActionPlan) -> list[Cause]:
    """The remarks on a plan, without the first one."""
    view = world.reads.action_plan(plan.id)
    assert view is not None
    return decode_explanation(world.records.get(view.explanation)).notes[1:]


def test_what_took_place_is_undone_in_reverse_order(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("2", "a", "c"), ("3", "b", "c"))
    request(world, plan)
    world.work()
    back = made(world, plan)
    assert back.state is PlanState.RECOMMENDED
    assert (back.audit_id, back.strategy, back.undoes) == (
        found(world, plan).audit_id,
        "basic",
        plan,
    )
    assert steps(back) == ["migrate 2 c -> a", "migrate 1 b -> a"]
    becauses = [action.spec.because for action in back.actions.values()]
    assert [one.reason for one in becauses] == [UNDOES_ACTION, UNDOES_ACTION]
    assert str(becauses[0]) == "undoes migrate 2 a -> c"
    (note,) = notes(world, back)
    assert note.reason == NOT_UNDONE
    assert "migrate 3 b -> c is not undone" in str(note)


def test_it_is_repeated_from_its_record(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan)
    world.work()
    runs = [run for run in every_run(world.log) if run.plan == made(world, plan).id]
    verifier = Verifier(
        world.log,
        world.records,
        DirectRunner(world.optimizers),
        world.optimizers,
        world.optimizers.default_options(),
        "test",
        CLOCK,
    )
    assert [verifier.verify(run).outcome for run in runs] == [Outcome.IDENTICAL]
    assert decode_record(world.records.get(runs[0].record or "")).strategy == "return"


def test_hosts_and_rules_of_its_decision_can_be_varied_and_nothing_else(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan)
    world.work()
    event = proposed(world.log, made(world, plan).id)
    assert event is not None
    forker = Forker(
        world.records,
        DirectRunner(world.optimizers),
        world.optimizers,
        world.optimizers.default_options(),
        lambda schema, given: completed(dict(schema), dict(given)),
    )
    fork = forker.fork(event, Variation(rules={"bans": [{"servers": ["1"], "hosts": ["a"]}]}))
    assert (fork.before.migrations, fork.before.violations) == (1, 1)
    assert (fork.after.migrations, fork.after.failure) == (0, "")
    for variation in (Variation(strategy="basic"), Variation(parameters={"plan": "x"})):
        with pytest.raises(InvalidValue, match="only hosts and rules can be changed"):
            forker.fork(event, variation)


def test_the_command_shows_it_and_how_to_start_it(
    world: EngineWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    with served(world, workers=1) as url, projecting(world):
        words = ["plan", "return", str(plan), "--url", url]
        assert main([*words, "--wait", "0.1"]) == 1
        error, hint = capsys.readouterr().err.splitlines()
        assert "was not made within 0.1 s" in error
        assert "check that a decision engine runs" in hint
        world.work()
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        back = made(world, plan)
        assert lines[0] == f"return plan {back.id}: MADE, 1 actions"
        assert any("migrate 3 b -> c is not undone" in one for one in lines)
        assert any("1: b -> a" in one for one in lines)
        assert lines[-1] == f"start it: vigil plan start {back.id}"
        assert main(["plan", "start", str(back.id), "--url", url]) == 0
        assert made(world, plan).state is PlanState.PENDING
        other = id_of("none")
        assert main(["plan", "return", other, "--url", url]) == 3
        assert other in capsys.readouterr().err


@contextmanager
def projecting(world: EngineWorld) -> Iterator[None]:
    """The read models follow the log, as in an installation."""
    stop = threading.Event()
    thread = threading.Thread(target=world.new_projector().run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_server_that_is_elsewhere_by_now_stays_there(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("2", "a", "b"), ("3", "b", "c"))
    move(world, "1", "c")
    request(world, plan)
    world.work()
    back = made(world, plan)
    assert steps(back) == ["migrate 2 b -> a"]
    assert [note.facts["reason"] for note in notes(world, back)][1:] == [SERVER_NOT_ON_SOURCE]


def test_a_host_without_room_takes_nothing_back(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    world.cloud.hosts = [host("a", vcpus=2), *world.cloud.hosts[1:]]
    request(world, plan)
    world.work()
    back = made(world, plan)
    assert (steps(back), back.state) == ([], PlanState.SUCCEEDED)
    assert CAPACITY_SHORT in [note.facts["reason"] for note in notes(world, back)]


def test_a_migration_that_ended_after_its_deadline_is_undone_too(world: EngineWorld) -> None:
    """The plan failed because its deadline had passed; the server moved all the same."""
    late = Observation(Phase.DONE, {"host": "c"})
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"), seen=late)
    move(world, "3", "c")
    request(world, plan)
    world.work()
    assert steps(made(world, plan)) == ["migrate 3 c -> b", "migrate 1 b -> a"]


def test_what_is_still_unknown_is_said(world: EngineWorld) -> None:
    unclear = Observation(Phase.UNKNOWN, {}, Cause(OUTCOME_UNKNOWN, {"error": "no records"}))
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"), seen=unclear)
    request(world, plan)
    world.work()
    assert [note.facts["reason"] for note in notes(world, made(world, plan))] == [OUTCOME_UNKNOWN]


def test_a_return_plan_that_a_failure_requested_is_launched_at_once(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan, automatic=True)
    world.work()
    assert made(world, plan).state is PlanState.PENDING


def test_two_engines_make_one_return_plan(world: EngineWorld) -> None:
    """The second one is as far as the first when that one publishes."""
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan)
    first, second = world.engine("one"), world.engine("two")
    world.cloud.meanwhile = lambda: _once(world, lambda: second.process(plan))
    first.process(plan)
    world.projector.catch_up()
    assert [one.undoes for one in world.find_plans(found(world, plan).audit_id)] == [None, plan]
    assert world.reads.requested_returns() == []


def _once(world: EngineWorld, act: Any) -> None:
    world.cloud.meanwhile = lambda: None
    act()


def test_it_waits_until_no_plan_is_executed(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan)
    other = failed(world, ("4", "c", "b"), ("2", "a", "b"))
    again = made_running(world, other)
    world.work()
    assert world.reads.requested_returns() == [plan]
    end(world, again)
    world.work()
    assert world.reads.requested_returns() == []


def made_running(world: EngineWorld, plan: UUID) -> UUID:
    """Another plan of the same audit, which is being executed."""
    audit = found(world, plan).audit_id
    actions = [planned("nop", "x", {"message": "hi"})]
    ctx = Context(CLOCK.now(), TEST)
    one = ActionPlan.propose(ctx, proposal(audit, run_id(audit, CLOCK.now()), actions))
    one.launch(ctx)
    one.claim(ctx, "applier", "here")
    world.save(one)
    return one.id


def end(world: EngineWorld, plan: UUID) -> None:
    """Ends a plan."""

    def change(one: ActionPlan, ctx: Context) -> None:
        (action,) = one.actions
        one.intend_action(ctx, one.epoch, action, {})
        one.succeed_action(ctx, one.epoch, action, {})

    world.change(ActionPlan, plan, change)


def test_an_unreachable_cloud_delays_the_return_and_then_ends_the_request(
    world: EngineWorld,
) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan)
    world.cloud.surprises = [CloudUnreachable("no route")]
    world.work(world.engine(policy=RunPolicy(RetryPolicy(first_pause=60.0, attempts=11))))
    assert world.reads.requested_returns() == [plan]
    world.cloud.surprises = [CloudUnreachable("no route")]
    world.work(world.engine(policy=RunPolicy(RetryPolicy(first_pause=0.0, attempts=11))))
    assert world.reads.requested_returns() == []
    view = world.reads.action_plan(plan)
    assert view is not None
    assert (view.return_state, "no route" in str(view.return_message)) == ("FAILED", True)


def test_a_request_finds_a_return_plan_that_has_not_ended(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    commands = PlanCommands(world.commands)
    commands.request_return(TEST, plan)
    world.projector.catch_up()
    world.work()
    first = made(world, plan)
    commands.request_return(TEST, plan)
    assert found(world, plan).returns.latest == first.id
    world.change(ActionPlan, first.id, lambda one, ctx: one.move(ctx, PlanState.CANCELLED))
    commands.request_return(TEST, plan)
    assert found(world, plan).returns.latest != first.id


def test_a_later_run_of_the_audit_leaves_the_return_plan_alone(world: EngineWorld) -> None:
    plan = failed(world, ("1", "a", "b"), ("3", "b", "c"))
    request(world, plan)
    world.work()
    world.tick()
    world.work()
    plans = world.find_plans(found(world, plan).audit_id)
    assert len(plans) == 3, "the run has published a plan"
    assert made(world, plan).state is PlanState.RECOMMENDED
