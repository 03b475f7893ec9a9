"""Which states of a plan may follow which."""

from domain.kernel.transitions import Transitions
from domain.plans.events import PlanState

TRANSITIONS = Transitions[PlanState](
    "Action Plan",
    {
        PlanState.RECOMMENDED: {
            PlanState.PENDING,
            PlanState.CANCELLED,
            PlanState.SUPERSEDED,
            PlanState.DELETED,
        },
        PlanState.PENDING: {PlanState.ONGOING, PlanState.CANCELLED},
        PlanState.ONGOING: {PlanState.SUCCEEDED, PlanState.FAILED, PlanState.CANCELLING},
        PlanState.CANCELLING: {PlanState.CANCELLED, PlanState.SUCCEEDED, PlanState.FAILED},
        PlanState.SUCCEEDED: {PlanState.DELETED},
        PlanState.FAILED: {PlanState.DELETED},
        PlanState.CANCELLED: {PlanState.DELETED},
        PlanState.SUPERSEDED: {PlanState.DELETED},
    },
)
"""All transitions of the state of a plan."""

USER_TRANSITIONS = Transitions[PlanState](
    "Action Plan",
    {
        PlanState.RECOMMENDED: {PlanState.PENDING, PlanState.CANCELLED},
        PlanState.PENDING: {PlanState.CANCELLED},
        PlanState.ONGOING: {PlanState.CANCELLING},
    },
)
"""The transitions that a user may request (docs/api.md, "Action plans")."""

DELETABLE = frozenset(
    {
        PlanState.RECOMMENDED,
        PlanState.SUCCEEDED,
        PlanState.FAILED,
        PlanState.SUPERSEDED,
        PlanState.CANCELLED,
    }
)
RUNNING = frozenset({PlanState.ONGOING, PlanState.CANCELLING})
SKIPPABLE = frozenset({PlanState.RECOMMENDED, PlanState.PENDING})
