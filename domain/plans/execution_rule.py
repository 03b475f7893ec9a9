"""The execution rule of a plan: whether an action is executed if a parent failed.

With ``ALWAYS`` it is. With ``ANY`` an action is an alternative to its first parent: it is executed
only if that one failed. Both leave the edges in ``requires`` alone: they stand for what would make
an action illegal or dangerous (docs/adr/0024-workflow.md).
"""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from domain.plans.action import Action, ActionState
from domain.plans.reasons import ALTERNATIVE_NOT_NEEDED


class ExecutionRule(StrEnum):
    """Whether actions depend on the outcome of their parents."""

    ALWAYS = "ALWAYS"
    ANY = "ANY"


def not_needed(
    actions: Mapping[UUID, Action], rule: ExecutionRule
) -> tuple[tuple[Action, Action], ...]:
    """The pending actions that the rule excludes, with their first parents, in plan order.

    Transitive: what comes after an excluded action is excluded, too.
    """
    if rule is ExecutionRule.ALWAYS:
        return ()
    excluded = {one.spec.id for one in actions.values() if _is_excluded(one)}
    found: list[tuple[Action, Action]] = []
    for action in actions.values():  # plan order is topological: parents come first
        parents = action.spec.parents
        if action.state is not ActionState.PENDING or not parents:
            continue
        first = actions[parents[0]]
        has_failed = first.state is ActionState.FAILED
        if not excluded.isdisjoint(parents) or (first.ended and not has_failed):
            excluded.add(action.spec.id)
            found.append((action, first))
    return tuple(found)


def _is_excluded(action: Action) -> bool:
    return action.because is not None and action.because.reason == ALTERNATIVE_NOT_NEEDED
