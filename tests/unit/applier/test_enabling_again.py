"""A host that was disabled first and keeps servers is enabled again, whatever ends the plan."""

import threading

import pytest

from application.ports.event_log import EventLog
from domain.kernel.errors import Fenced
from domain.plans import ActionState, PlanState
from tests.unit.applier.bench import LOST, Bench
from tests.unit.applier.reference_cloud import ReferenceCloud, loses_the_reply, refuses
from tests.unit.plans.test_emptied_hosts import move, switch

ACTIONS = (switch("c1"), move("s", "c1", 0), move("t", "c1", 1))
HOST = "id-c1"
"""The resource of both the disabling and the enabling."""


def refuses_the_second(cloud: ReferenceCloud) -> None:
    """The disabling succeeds, the first move is refused."""
    cloud.before.extend([lambda _: None, refuses])


def test_a_refused_move_has_its_host_enabled_again(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    refuses_the_second(cloud)
    bench = Bench(event_log, cloud, *ACTIONS)
    plan = bench.drive()
    assert cloud.effects == [HOST, "t", HOST]
    assert bench.states() == ["SUCCEEDED", "FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert plan.state is PlanState.FAILED
    assert "c1, which the plan leaves in service" in str(plan.because)


def test_a_cancelled_plan_has_its_host_enabled_again_before_it_ends(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, *ACTIONS)
    cloud.after.extend([lambda _: None, lambda _: bench.cancel()])
    plan = bench.drive()
    assert cloud.effects == [HOST, "s", HOST]
    assert bench.states() == ["SUCCEEDED", "SUCCEEDED", "CANCELLED", "SUCCEEDED"]
    assert plan.state is PlanState.CANCELLED


def test_an_enabling_without_effect_is_tried_again_in_a_cancelled_plan(
    event_log: EventLog,
) -> None:
    """A further attempt of any other action fails, once the plan is to be cancelled."""
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, *ACTIONS)
    cloud.after.extend([lambda _: None, lambda _: bench.cancel()])
    cloud.before.extend([lambda _: None, lambda _: None, loses_the_reply])
    plan = bench.drive()
    assert cloud.effects == [HOST, "s", HOST]
    assert next(one for one in plan.actions.values() if one.restores).attempt == 2
    assert plan.state is PlanState.CANCELLED


@pytest.mark.parametrize("topic", ["plan.action-added", "plan.action-intended"])
@pytest.mark.parametrize("cancelled", [False, True])
def test_the_successor_of_a_lost_applier_enables_the_host_once(
    event_log: EventLog, topic: str, cancelled: bool
) -> None:
    """The applier is lost before its intent to enable, or after its request was accepted."""
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, *ACTIONS)
    if cancelled:
        cloud.after.extend([lambda _: None, lambda _: bench.cancel()])
    else:
        refuses_the_second(cloud)
    stop = threading.Event()

    def is_lost(resource: str) -> None:
        stop.set()
        loses_the_reply(resource)

    def fresh() -> bool:
        """Called before each intent."""
        enabling = any(one.restores for one in bench.plan().actions.values())
        if enabling and topic == "plan.action-added":
            stop.set()
            return False
        if enabling and not cloud.after:
            cloud.after.append(is_lost)
        return True

    plan = bench.drive(fresh=fresh, stop=stop)
    assert bench.topics()[-1] == topic
    assert plan.state is (PlanState.CANCELLING if cancelled else PlanState.ONGOING)
    plan = bench.drive(takeover=LOST)
    assert cloud.effects.count(HOST) == 2, "disabled once, enabled once"
    assert list(plan.actions.values())[-1].state is ActionState.SUCCEEDED
    assert plan.state is (PlanState.CANCELLED if cancelled else PlanState.FAILED)


def test_a_fenced_applier_does_not_enable(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    refuses_the_second(cloud)
    bench = Bench(event_log, cloud, *ACTIONS)

    def fresh() -> bool:
        if any(one.restores for one in bench.plan().actions.values()):
            bench.claim(takeover=LOST)
        return True

    with pytest.raises(Fenced):
        bench.drive(fresh=fresh)
    assert cloud.effects == [HOST, "t"]
