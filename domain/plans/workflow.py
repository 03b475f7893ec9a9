"""Which actions may start, and the outcome of a plan: pure functions of its actions."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import CANCELLED_BY_USER, Cause
from domain.plans.action import ENDED, Action, ActionState
from domain.plans.emptied_hosts import SERVERS_LEFT_ON_DISABLED, keeps_servers, servers_left
from domain.plans.reasons import NO_LONGER_LEGAL, SOME_ACTIONS_FAILED, SOME_ACTIONS_SKIPPED


class Outcome(StrEnum):
    """The outcome of a plan after all of its actions have ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_GOOD_ENOUGH = frozenset({ActionState.SUCCEEDED, ActionState.SKIPPED})


def may_start(actions: Mapping[UUID, Action], action: Action) -> bool:
    """Whether an action is pending and its parents have all ended."""
    return action.state is ActionState.PENDING and all(
        actions[parent].ended for parent in action.spec.parents
    )


def ready(actions: Mapping[UUID, Action]) -> tuple[Action, ...]:
    """The actions that may start, in plan order."""
    return tuple(action for action in actions.values() if may_start(actions, action))


def blocked(actions: Mapping[UUID, Action]) -> tuple[tuple[Action, UUID], ...]:
    """Pending actions that require an action that did not take place, with the id of that action.

    Those are failed and cancelled ones, and moves that had become illegal.

    The disabling of a host also requires that users skip none of the moves off it.

    Transitive: an action that requires a blocked one is blocked by it.
    """
    lost = {
        action.spec.id
        for action in actions.values()
        if action.ended and not _is_good_enough(action)
    }
    found: list[tuple[Action, UUID]] = []
    for action in actions.values():  # plan order is topological: parents come first
        if action.state is not ActionState.PENDING:
            continue
        culprit = next(
            (
                one
                for one in action.spec.requires
                if one in lost or keeps_servers(action, actions[one])
            ),
            None,
        )
        if culprit is not None:
            lost.add(action.spec.id)
            found.append((action, culprit))
    return tuple(found)


def _is_good_enough(action: Action) -> bool:
    illegal = action.because is not None and action.because.reason == NO_LONGER_LEGAL
    return action.state in _GOOD_ENOUGH and not illegal


def outcome(actions: Collection[Action], *, cancelling: bool) -> Outcome | None:
    """The outcome of the plan, None while an action has not ended.

    A failed action fails the plan. A plan with a cancel request is CANCELLED if an action
    was cancelled. Skips do not fail a plan, unless it was to empty a host that now keeps servers.
    """
    states = [action.state for action in actions]
    if not ENDED.issuperset(states):
        return None
    if cancelling and ActionState.CANCELLED in states:
        return Outcome.CANCELLED
    if ActionState.FAILED in states or ActionState.CANCELLED in states:
        return Outcome.FAILED
    return Outcome.SUCCEEDED if servers_left(actions) is None else Outcome.FAILED


def skips(actions: Iterable[Action]) -> Cause | None:
    """The remark on a successful plan with skipped actions, None without any."""
    skipped = sum(action.state is ActionState.SKIPPED for action in actions)
    return Cause(SOME_ACTIONS_SKIPPED, {"skipped": skipped}) if skipped else None


def failures(actions: Collection[Action]) -> Cause:
    """Why a plan failed: the hosts that keep servers, else the number of failed actions."""
    if (left := servers_left(actions)) is not None:
        return left
    states = [action.state for action in actions]
    facts: JsonObject = {"failed": states.count(ActionState.FAILED), "total": len(states)}
    return Cause(SOME_ACTIONS_FAILED, facts)


def cancellation(actions: Collection[Action]) -> Cause:
    """Why a cancelled plan was: by a user; or the hosts that it leaves disabled with servers."""
    left = servers_left(actions)
    disabled = left is not None and left.reason == SERVERS_LEFT_ON_DISABLED
    return left if left is not None and disabled else Cause(CANCELLED_BY_USER)
