"""Checks that a plan breaks no rule at any prefix of any execution that its edges allow."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from domain.cluster.verifier.checked_action import CheckedAction
from domain.cluster.verifier.verifier import Verifier
from domain.kernel.errors import InvalidValue


@dataclass(frozen=True)
class Violation:
    """A rule that a plan breaks.

    Attributes:
        place: index of the action in the plan (0-based).
        server: index of the server.
        host: index of the destination.
        rule: name of the rule.
    """

    place: int
    server: int
    host: int
    rule: str


def check_plan(
    actions: Sequence[CheckedAction], new_verifier: Callable[[], Verifier]
) -> list[Violation]:
    """The violations of a plan.

    For each move: all its ancestors are done, and every action that the edges order neither
    before nor after it is in progress, counted on both hosts. This is the worst case, so a plan
    without violations here is legal at every prefix of every execution.

    Args:
        actions: the plan, topologically ordered.
        new_verifier: makes a verifier of the model before the plan.

    Raises:
        InvalidValue: a parent does not come before its action.
    """
    replay = _Replay(actions, new_verifier)
    return [violation for place in range(len(actions)) for violation in replay.check(place)]


class _Replay:
    """Brings a verifier into the worst case of one action after the other."""

    def __init__(
        self, actions: Sequence[CheckedAction], new_verifier: Callable[[], Verifier]
    ) -> None:
        self._actions = actions
        self._new_verifier = new_verifier
        self._verifier = new_verifier()
        self._before, self._after = _ancestors_and_descendants(actions)
        self._done = 0
        self._moving = 0

    def check(self, place: int) -> list[Violation]:
        """Violations of one action in its worst case."""
        action = self._actions[place]
        if action.kind != "move":
            return []
        everything = (1 << len(self._actions)) - 1
        done = self._before[place]
        self._set_situation(done, everything & ~done & ~self._after[place] & ~(1 << place))
        if action.server < 0 or action.host < 0:
            return [Violation(place, action.server, action.host, "Known")]
        broken = sorted(self._verifier.broken(action.server, action.host))
        return [Violation(place, action.server, action.host, rule) for rule in broken]

    def _set_situation(self, done: int, moving: int) -> None:
        to_cancel = [self._actions[place] for place in _bits(self._moving & ~moving & ~done)]
        if self._done & ~done or not all(self._cancel(action) for action in to_cancel):
            self._verifier = self._new_verifier()
            self._done = self._moving = 0
        self._moving &= moving | done
        for place in _bits(done & ~self._done):
            if not self._moving >> place & 1:
                self._start(self._actions[place])
            self._finish(self._actions[place])
        for place in _bits(moving & ~self._moving):
            self._start(self._actions[place])
        self._done, self._moving = done, moving

    def _start(self, action: CheckedAction) -> None:
        if action.kind == "move" and action.server >= 0 and action.host >= 0:
            self._verifier.start_move(action.server, action.host)
        if action.kind == "disable" and action.host >= 0:
            self._verifier.disable(action.host)
        if action.kind == "power-off" and action.host >= 0:
            self._verifier.power(action.host, on=False)

    def _cancel(self, action: CheckedAction) -> bool:
        """Cancels an action in progress; returns False if only a new verifier can do that."""
        if action.kind != "move" or self._verifier.pending(action.server) != 1:
            return action.kind not in {"move", "disable", "power-off"}
        self._verifier.cancel_move(action.server)
        return True

    def _finish(self, action: CheckedAction) -> None:
        if action.kind == "move" and action.server >= 0 and action.host >= 0:
            self._verifier.finish_move(action.server)
        if action.kind == "enable" and action.host >= 0:
            self._verifier.enable(action.host)
        if action.kind == "power-on" and action.host >= 0:
            self._verifier.power(action.host, on=True)


def _ancestors_and_descendants(actions: Sequence[CheckedAction]) -> tuple[list[int], list[int]]:
    """For each action the sets (as bits) of its ancestors and of its descendants.

    Actions with the same parents share their set of ancestors, and likewise with children: for the
    10,000 actions of a plan in chunks, each set on its own would take 25 MB.
    """
    before: list[int] = []
    children: list[list[int]] = [[] for _ in actions]
    known: dict[tuple[int, ...], int] = {(): 0}
    for place, action in enumerate(actions):
        for parent in action.parents:
            if not 0 <= parent < place:
                raise InvalidValue(
                    f"actions[{place}].parents", f"name {parent}, which is not before"
                )
            children[parent].append(place)
        before.append(_shared(known, action.parents, before))
    after = [0] * len(actions)
    known = {(): 0}
    for place in reversed(range(len(actions))):
        after[place] = _shared(known, tuple(children[place]), after)
    return before, after


def _shared(known: dict[tuple[int, ...], int], places: tuple[int, ...], beyond: list[int]) -> int:
    """The set of some places and of all that is beyond them."""
    if places not in known:
        found = 0
        for place in places:
            found |= beyond[place] | (1 << place)
        known[places] = found
    return known[places]


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
