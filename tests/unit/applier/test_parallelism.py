"""The applier keeps the limits on actions in progress at once, although no edge of a plan does."""

import threading
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from application.ports.cloud import Observation, Phase
from application.ports.event_log import EventLog
from domain.kernel.aggregate import JsonObject
from domain.plans import ActionPlan, PlanState
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction
from tests.unit.applier.bench import LOST, UNLIMITED, Bench, action
from tests.unit.applier.reference_cloud import ReferenceCloud
from tests.unit.plans.test_emptied_hosts import move


class CountingCloud(ReferenceCloud):
    """Counts the effects in progress: in all, and on each source host.

    Attributes:
        most: the most of them at any moment.
        stop: set after some effects, if given.
    """

    def __init__(self) -> None:
        super().__init__(looks=4)
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._counting = threading.Lock()

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        self._count(parameters, 1)
        return super().start(parameters, before)

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        seen = super().observe(parameters, before, receipt)
        if seen.phase is Phase.DONE:
            self._count(parameters, -1)
        return seen

    def _count(self, parameters: JsonObject, change: int) -> None:
        with self._counting:
            for what in ("all", str(parameters.get("source_node"))):
                self._now[what] += change
                self.most[what] = max(self.most[what], self._now[what])


def move_to(planned: PlannedAction, host: str) -> PlannedAction:
    """The same move to a host."""
    given = {**planned.action.parameters, "destination_node": host}
    return replace(planned, action=replace(planned.action, parameters=given))


def moves(count: int, hosts: int) -> list[PlannedAction]:
    """Independent moves off some hosts, in turn, each to a host of its own."""
    return [move_to(move(f"s{n}", f"c{n % hosts}"), f"d{n}") for n in range(count)]


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Parallelism({"migrate": 2}), {"all": 2}),
        (Parallelism({}, {"migrate": 1}), {"c0": 1, "c1": 1}),
        (Parallelism(otherwise=1), {"all": 1}),
        (UNLIMITED.with_migrations(3, None), {"all": 3}),
        (Parallelism({"migrate": 2}).with_migrations(3, None), {"all": 2}),
    ],
    ids=["of a type", "at each source", "of unlisted types", "of migrations", "the lower one"],
)
def test_no_more_actions_are_in_progress_than_the_limits_allow(
    event_log: EventLog, limits: Parallelism, most: dict[str, int]
) -> None:
    cloud = CountingCloud()
    bench = Bench(event_log, cloud, *moves(8, hosts=2))
    assert bench.drive(parallelism=limits).state is PlanState.SUCCEEDED
    assert {what: cloud.most[what] for what in most} == most


def test_migrations_to_one_host_are_limited_too(event_log: EventLog) -> None:
    cloud = CountingCloud()
    bench = Bench(event_log, cloud, *(move(f"s{n}", f"c{n}") for n in range(4)))
    bench.drive(parallelism=UNLIMITED.with_migrations(None, 1))
    assert cloud.most["all"] == 1


def test_without_limits_more_are_in_progress(event_log: EventLog) -> None:
    """The control."""
    cloud = CountingCloud()
    bench = Bench(event_log, cloud, *moves(8, hosts=2))
    bench.drive()
    assert cloud.most["all"] > 2


def test_actions_that_a_lost_applier_left_in_progress_count(event_log: EventLog) -> None:
    cloud = CountingCloud()
    bench = Bench(event_log, cloud, *moves(6, hosts=2))
    session, epoch = bench.claim()
    for one in session.state.ready()[:2]:
        intent: JsonObject = {"before": {"effects": 0}, "deadline": 60.0}
        number = one.spec.id
        session.run(partial(ActionPlan.intend_action, epoch=epoch, action=number, intent=intent))
        cloud.start(one.spec.parameters, {})
    bench.drive(takeover=LOST, parallelism=Parallelism({"migrate": 2}))
    assert cloud.most["all"] == 2
    assert sorted(cloud.effects) == [f"s{n}" for n in range(6)]


def test_an_action_at_its_limit_does_not_hold_up_others(event_log: EventLog) -> None:
    """The first moves all leave one host; those behind them may start at once."""
    cloud = CountingCloud()
    planned = [move_to(move(f"s{n}", "c0"), f"d{n}") for n in range(4)]
    planned += [action("other")]
    bench = Bench(event_log, cloud, *planned)
    bench.drive(parallelism=Parallelism({}, {"migrate": 1}))
    assert cloud.effects.index("other") < 2
