"""An action that ends its applier at each check or observation: it costs a few, and is named."""

import threading

import pytest

from application.ports.cloud import Observation, Verdict
from application.ports.event_log import EventLog
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import OWNER_RETIRED, Cause
from domain.plans import ActionState, PlanState
from domain.plans.losses import TOLERATED
from domain.plans.reasons import APPLIERS_LOST
from tests.unit.applier.bench import LOST, POLICY, Bench, action
from tests.unit.applier.reference_cloud import ReferenceCloud

STOPPED = Cause(OWNER_RETIRED, {"owner": "me", "successor": "other"})


class Deadly(ReferenceCloud):
    """Ends the applier in one phase of the action on ``poison``."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self._phase = phase
        self.deaths = 0
        self.applier = threading.Event()

    def precondition(self, parameters: JsonObject) -> Verdict:
        self._reach("check", parameters)
        return super().precondition(parameters)

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        self._reach("observe", parameters)
        return super().observe(parameters, before, receipt)

    def _reach(self, phase: str, parameters: JsonObject) -> None:
        if phase == self._phase and parameters["resource_id"] == "poison":
            self.deaths += 1
            self.applier.set()
            raise KeyboardInterrupt


@pytest.mark.parametrize("phase", ["check", "observe"])
def test_an_action_that_ends_its_appliers_is_given_up_and_the_others_are_executed(
    event_log: EventLog, phase: str
) -> None:
    """Each applier that took the plan over died of it too, for ever."""
    cloud = Deadly(phase)
    bench = Bench(event_log, cloud, action("a"), action("poison"), action("b"), action("c"))
    takeover = None
    while bench.plan().state not in {PlanState.SUCCEEDED, PlanState.FAILED}:
        cloud.applier.clear()
        try:
            bench.drive(takeover=takeover, stop=cloud.applier)
        except KeyboardInterrupt:
            takeover = LOST
        assert cloud.deaths <= TOLERATED + POLICY.max_losses + 1
    states = bench.states()
    assert states.pop(1) is ActionState.FAILED
    assert states == [ActionState.SUCCEEDED] * 3
    because = list(bench.plan().actions.values())[1].because
    assert because is not None
    assert because.reason == APPLIERS_LOST
    assert "act poison" in str(because)
    assert sorted(set(cloud.effects)) == sorted(cloud.effects), "nothing was requested twice"


def test_appliers_that_were_stopped_do_not_count(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a"), action("b"))
    for _ in range(5):
        stop = threading.Event()
        stop.set()
        bench.drive(takeover=None if bench.plan().owner is None else STOPPED, stop=stop)
    assert not bench.plan().losses.one_at_a_time
