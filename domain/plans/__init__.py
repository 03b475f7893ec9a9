"""Action plans: what strategies and planners propose, and the states of plans and actions."""

from domain.plans.action import Action, ActionSpec, ActionState, EfficacyIndicator
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState
from domain.plans.proposal import Proposal

__all__ = [
    "Action",
    "ActionPlan",
    "ActionSpec",
    "ActionState",
    "EfficacyIndicator",
    "PlanState",
    "Proposal",
]
