"""Actions without an effect on the cloud: ``nop`` and ``sleep``."""

from application.ports.cloud import CloudRefused, Fail, Go, Observation, Phase, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action_types import nop, sleep
from domain.plans.action_types.nop import ASKED_FOR
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import NOTHING_TO_UNDO
from infrastructure.openstack.actions.base import Handler, because, number
from infrastructure.openstack.actions.conduct import Conduct


class IdleAction(Handler):
    """An action without an effect."""

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """There is none: nothing was changed."""
        del parameters, before, outcome
        return because(NOTHING_TO_UNDO, type=self.declaration.name)


class Nop(IdleAction):
    """Does nothing, or fails at a step that its parameters name: for tests of plans."""

    declaration = nop.DECLARATION
    conduct = Conduct(
        check="Skips or fails if its parameters say so.",
        effect="Nothing.",
        observation="Done once it was started.",
        once="It has no effect.",
    )

    def precondition(self, parameters: JsonObject) -> Verdict:
        """What the parameters say."""
        if parameters.get("skip_pre_condition"):
            return Skip(because(ASKED_FOR, outcome="Skipped in pre_condition"))
        if parameters.get("fail_pre_condition"):
            return Fail(because(ASKED_FOR, outcome="Failed in pre_condition"))
        return Go({})

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends nothing."""
        del before
        if parameters.get("fail_execute"):
            raise CloudRefused(because(ASKED_FOR, outcome="Failed in execute"))
        return {"message": parameters["message"]}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reports the action as done once it was started."""
        del before
        if receipt is None:
            return Observation(Phase.NEVER_STARTED, {})
        if parameters.get("fail_post_condition"):
            failed = because(ASKED_FOR, outcome="Failed in post_condition")
            return Observation(Phase.FAILED, {}, failed)
        return Observation(Phase.DONE, {"message": parameters["message"]})


class Sleep(IdleAction):
    """Waits for some seconds. No thread blocks: ``observe`` compares the clock with the start."""

    declaration = sleep.DECLARATION
    conduct = Conduct(
        check="None.",
        effect="Nothing.",
        observation="The clock, compared with the time of the check: a crash does not prolong it.",
        once="It has no effect.",
    )

    def precondition(self, parameters: JsonObject) -> Verdict:
        """Always: waiting needs nothing."""
        del parameters
        return Go({"begun_at": self.now()})

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends nothing: the time counts from the check."""
        del parameters
        return {"begun_at": before["begun_at"]}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reports the action as done when the time has passed.

        A clock that was set back shows as no progress.
        """
        del receipt
        duration = number(parameters["duration"])
        passed = max(self.now() - number(before["begun_at"]), 0.0)
        if passed >= duration:
            return Observation(Phase.DONE, {"seconds": duration})
        facts: JsonObject = {
            "percent": round(100 * passed / duration, 1),
            "seconds": round(passed, 1),
        }
        return Observation(Phase.RUNNING, facts, rest=duration - passed)

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """The duration plus the shortest deadline."""
        del before
        return number(parameters["duration"]) + self.limits.shortest_deadline
