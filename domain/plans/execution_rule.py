"""The execution rule of a plan: whether an action is executed if a parent failed.

With ``ALWAYS`` it is. With ``ANY`` an action is an alternative to its first parent: it is executed
only if that one failed. Both leave the edges in ``requires`` alone: they stand for what would make
an action illegal or dangerous (docs/adr/0024-workflow.md).
"""

from enum import StrEnum

from domain.plans.action import Action, ActionState
from domain.plans.reasons import ALTERNATIVE_NOT_NEEDED


class ExecutionRule(StrEnum):
    """Whether actions depend on the outcome of their parents."""

    ALWAYS = "ALWAYS"
    ANY = "ANY"


def rules_out(parent: Action, child: Action) -> bool:
    """Whether ANY excludes a child of a parent that ended.

    It does if the parent is the first one and did not fail, or is excluded itself.
    """
    is_first = child.spec.parents[0] == parent.spec.id
    return (is_first and parent.state is not ActionState.FAILED) or _is_excluded(parent)


def _is_excluded(action: Action) -> bool:
    return action.because is not None and action.because.reason == ALTERNATIVE_NOT_NEEDED
