from domain.plans.action import Action, ActionSpec, ActionState, Indicator
from domain.plans.action_plan import ActionPlan, Proposal
from domain.plans.events import PlanState

__all__ = [
    "Action",
    "ActionPlan",
    "ActionSpec",
    "ActionState",
    "Indicator",
    "PlanState",
    "Proposal",
]
