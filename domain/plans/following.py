"""What was still running when its action failed: it is watched until the cloud ends it.

The plan does not wait for it. A cold migration that ends waits for its confirmation.
"""

from typing import Final
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Refusal
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans.action import Action, ActionState
from domain.plans.events import ActionFollowedUp, ActionStepIntended
from domain.plans.plan_in_execution import PlanInExecution
from domain.plans.reasons import STILL_RUNNING

MOST_LATE_STEPS: Final = 20
"""Requests of further steps for an action that has failed. One may end its applier each time."""


class Followed(PlanInExecution):
    """The part of an action plan that follows up."""

    def still_running(self) -> tuple[Action, ...]:
        """The failed actions of which the cloud may not have ended the effect, in plan order."""
        return tuple(one for one in self.actions.values() if _is_still_running(one))

    def intend_late_step(self, ctx: Context, action: UUID, step: str, number: int) -> None:
        """Records that the request of a further step is about to be sent.

        Args:
            ctx: time and provenance.
            action: one of ``still_running``.
            step: its name.
            number: of such requests of the action so far, as the caller knows it.

        Raises:
            Refusal: another applier was faster, or it was requested too often.
        """
        one = self._still(action)
        if one.late_steps != number or number >= MOST_LATE_STEPS:
            raise Refusal(f"Step {step} of action {action} was requested {one.late_steps} times.")
        self._trigger(
            ActionStepIntended,
            ctx,
            action_id=action,
            what=one.spec.what,
            epoch=self.epoch,
            step=step,
            attempt=one.steps.get(step, 0) + 1,
            because=None,
        )

    def follow_up(
        self, ctx: Context, action: UUID, facts: JsonObject, because: Cause | None
    ) -> None:
        """Records how the effect of a failed action ended.

        Raises:
            Refusal: that is known.
        """
        what = self._still(action).spec.what
        self._trigger(
            ActionFollowedUp, ctx, action_id=action, what=what, facts=facts, because=because
        )

    def _still(self, action: UUID) -> Action:
        one = self.actions[action]
        if not _is_still_running(one):
            raise Refusal(f"Action {action} is not to be followed up.")
        return one


def _is_still_running(action: Action) -> bool:
    reason = None if action.because is None else action.because.reason
    failed = action.state is ActionState.FAILED
    return failed and reason == STILL_RUNNING and not action.followed_up
