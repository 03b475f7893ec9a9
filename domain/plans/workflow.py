"""Which actions of a plan may start, which cannot any more, and the outcome of the plan.

``Workflow`` follows the states of the actions event by event, so that what follows from an event
costs the same in plans of all sizes. The rest are functions of all actions, for the end of a plan.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from heapq import heappop, heappush
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import CANCELLED_BY_USER, Cause
from domain.plans.action import ENDED, IN_PROGRESS, Action, ActionState
from domain.plans.emptied_hosts import SERVERS_LEFT_ON_DISABLED, keeps_servers, servers_left
from domain.plans.execution_rule import rules_out
from domain.plans.reasons import NO_LONGER_LEGAL, SOME_ACTIONS_FAILED, SOME_ACTIONS_SKIPPED


class Outcome(StrEnum):
    """The outcome of a plan after all of its actions have ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_GOOD_ENOUGH = frozenset({ActionState.SUCCEEDED, ActionState.SKIPPED})


@dataclass
class Workflow:
    """Follows the states of the actions of a plan.

    A *place* is the index of an action in plan order, which is topological: parents come first.
    """

    _order: list[Action] = field(default_factory=list)
    _places: dict[UUID, int] = field(default_factory=dict)
    _children: list[list[int]] = field(default_factory=list)
    _dependents: list[list[int]] = field(default_factory=list)
    """Place → places of the actions that require this one."""
    _waits_for: list[int] = field(default_factory=list)
    """Place → number of parents that have not ended."""
    _ready: list[int] = field(default_factory=list)
    _ongoing: list[int] = field(default_factory=list)
    _ended: list[int] = field(default_factory=list)
    """In the order in which they ended."""
    _counts: Counter[ActionState] = field(default_factory=Counter)

    def add(self, action: Action) -> None:
        """Adds an action that is PENDING, after its parents and the actions that it requires."""
        place = self._places[action.spec.id] = len(self._order)
        self._order.append(action)
        self._children.append([])
        self._dependents.append([])
        self._waits_for.append(0)
        for parent in self._places_of(action.spec.parents):
            self._children[parent].append(place)
            self._waits_for[place] += not self._order[parent].ended
        for required in self._places_of(action.spec.requires):
            self._dependents[required].append(place)
        self._counts[action.state] += 1
        if not self._waits_for[place]:
            self._ready.append(place)

    def _places_of(self, actions: Iterable[UUID]) -> list[int]:
        return [self._places[one] for one in actions if one in self._places]

    def follow(self, action: Action, before: ActionState) -> None:
        """Notes that the state of an action has changed."""
        place, state = self._places[action.spec.id], action.state
        self._counts[before] -= 1
        self._counts[state] += 1
        if before is ActionState.PENDING and not self._waits_for[place]:
            del self._ready[bisect_left(self._ready, place)]
        if before in IN_PROGRESS:
            self._ongoing.remove(place)
        if state in IN_PROGRESS:
            insort(self._ongoing, place)
        elif state is ActionState.PENDING and not self._waits_for[place]:
            insort(self._ready, place)
        elif state in ENDED and before not in ENDED:
            self._ended.append(place)
            self._release_children(place)

    def _release_children(self, place: int) -> None:
        for child in self._children[place]:
            self._waits_for[child] -= 1
            if not self._waits_for[child] and self._order[child].state is ActionState.PENDING:
                insort(self._ready, child)

    def may_start(self, action: Action) -> bool:
        """Whether an action is pending and its parents have all ended."""
        is_pending = action.state is ActionState.PENDING
        return is_pending and not self._waits_for[self._places[action.spec.id]]

    def ready(self) -> tuple[Action, ...]:
        """The actions that may start, in plan order."""
        return tuple(map(self._order.__getitem__, self._ready))

    def ongoing(self) -> tuple[Action, ...]:
        """The actions with an intent and no outcome, in plan order."""
        return tuple(map(self._order.__getitem__, self._ongoing))

    def pending(self) -> tuple[Action, ...]:
        """The actions that have not started, in plan order."""
        if not self._counts[ActionState.PENDING]:
            return ()
        return tuple(one for one in self._order if one.state is ActionState.PENDING)

    def ended_since(self, since: datetime) -> Iterator[Action]:
        """The actions that ended at a time or later, the latest first."""
        for place in reversed(self._ended):
            action = self._order[place]
            if action.ended_at is None or action.ended_at < since:
                return
            yield action

    def has_ended(self) -> bool:
        """Whether all actions have ended."""
        return len(self._ended) == len(self._order)

    def outcome(self, *, cancelling: bool) -> Outcome | None:
        """The outcome of the plan, None while an action has not ended.

        A failed action fails the plan. A plan with a cancel request is CANCELLED if an action
        was cancelled. Skips do not fail a plan, unless it was to empty a host that now keeps
        servers.
        """
        if not self.has_ended():
            return None
        if cancelling and self._counts[ActionState.CANCELLED]:
            return Outcome.CANCELLED
        if self._counts[ActionState.FAILED] or self._counts[ActionState.CANCELLED]:
            return Outcome.FAILED
        return Outcome.SUCCEEDED if servers_left(self._order) is None else Outcome.FAILED

    # -- what cannot take place any more -----------------------------------------------------------

    def blocked(self, ended: Iterable[Action]) -> Iterator[tuple[Action, Action]]:
        """Pending actions that require an action that did not take place, with that action.

        Those are failed and cancelled ones, and moves that had become illegal. The disabling of a
        host also requires that users skip none of the moves off it.

        Args:
            ended: the actions that may block others. The caller ends what it gets before it goes
                on: that may block more.
        """
        for action in self._following(ended, self._dependents, _blocks):
            required = map(self._order.__getitem__, self._places_of(action.spec.requires))
            yield action, next(one for one in required if one.ended and _blocks(one, action))

    def not_needed(self, ended: Iterable[Action]) -> Iterator[tuple[Action, Action]]:
        """Pending actions that the rule ANY excludes, with their first parents; as ``blocked``."""
        for action in self._following(ended, self._children, rules_out):
            yield action, self._order[self._places[action.spec.parents[0]]]

    def _following(
        self,
        ended: Iterable[Action],
        edges: list[list[int]],
        excludes: Callable[[Action, Action], bool],
    ) -> Iterator[Action]:
        """The pending actions that ended ones exclude along some edges, in plan order."""
        found: list[int] = []

        def look(action: Action) -> None:
            for place in edges[self._places[action.spec.id]]:
                other = self._order[place]
                if other.state is ActionState.PENDING and excludes(action, other):
                    heappush(found, place)

        for one in ended:
            look(one)
        while found:
            action = self._order[heappop(found)]
            if action.state is ActionState.PENDING:
                yield action
                look(action)


def _blocks(required: Action, action: Action) -> bool:
    """Whether an action cannot take place because of how one that it requires ended."""
    illegal = required.because is not None and required.because.reason == NO_LONGER_LEGAL
    is_good_enough = required.state in _GOOD_ENOUGH and not illegal
    return not is_good_enough or keeps_servers(action, required)


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
