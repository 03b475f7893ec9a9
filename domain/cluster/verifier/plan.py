"""Whether a plan is legal at every prefix of every execution that its edges allow."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.cluster.verifier.verifier import Verifier


@dataclass(frozen=True)
class CheckedAction:
    """An action as far as placement is concerned.

    Attributes:
        kind: what it does; ``other`` concerns no placement.
        server: index of the server to move, -1 if none.
        host: index of the destination, or of the host to open or close; -1 if none.
        parents: places of the actions that end before it begins.
    """

    kind: Literal["move", "enable", "disable", "other"]
    server: int
    host: int
    parents: tuple[int, ...]


@dataclass(frozen=True)
class Violation:
    """A rule that a plan breaks.

    Attributes:
        place: place of the action in the plan (0-based).
        server: index of the server.
        host: index of the destination.
        rule: name of the rule.
    """

    place: int
    server: int
    host: int
    rule: str


def check_plan(
    actions: Sequence[CheckedAction], new_checker: Callable[[], Verifier]
) -> list[Violation]:
    """The violations of a plan.

    For each move: all its ancestors are done, and every action that the edges order neither
    before nor after it is in flight, holding both ends. That is the worst that can be, so a plan
    without violations here is legal at every prefix of every execution.

    Args:
        actions: the plan, topologically ordered.
        new_checker: makes a checker of the model as it is before the plan.
    """
    replay = _Replay(actions, new_checker)
    return [violation for place in range(len(actions)) for violation in replay.check(place)]


class _Replay:
    """Brings a checker into the worst situation for one action after the other."""

    def __init__(
        self, actions: Sequence[CheckedAction], new_checker: Callable[[], Verifier]
    ) -> None:
        self._actions = actions
        self._new_checker = new_checker
        self._checker = new_checker()
        self._before, self._after = _orders(actions)
        self._done = 0
        self._flying = 0

    def check(self, place: int) -> list[Violation]:
        """Violations of one action in its worst situation."""
        action = self._actions[place]
        if action.kind != "move":
            return []
        everything = (1 << len(self._actions)) - 1
        done = self._before[place]
        self._arrange(done, everything & ~done & ~self._after[place] & ~(1 << place))
        if action.server < 0 or action.host < 0:
            return [Violation(place, action.server, action.host, "Known")]
        broken = sorted(self._checker.broken(action.server, action.host))
        return [Violation(place, action.server, action.host, rule) for rule in broken]

    def _arrange(self, done: int, flying: int) -> None:
        grounded = [self._actions[place] for place in _bits(self._flying & ~flying & ~done)]
        if self._done & ~done or not all(self._retract(action) for action in grounded):
            self._checker = self._new_checker()
            self._done = self._flying = 0
        self._flying &= flying | done
        for place in _bits(done & ~self._done):
            if not self._flying >> place & 1:
                self._start(self._actions[place])
            self._finish(self._actions[place])
        for place in _bits(flying & ~self._flying):
            self._start(self._actions[place])
        self._done, self._flying = done, flying

    def _start(self, action: CheckedAction) -> None:
        if action.kind == "move" and action.server >= 0 and action.host >= 0:
            self._checker.begin(action.server, action.host)
        if action.kind == "disable" and action.host >= 0:
            self._checker.disable(action.host)

    def _retract(self, action: CheckedAction) -> bool:
        """Takes a move in flight back; whether that was possible without starting afresh."""
        if action.kind != "move" or self._checker.pending(action.server) != 1:
            return action.kind not in {"move", "disable"}
        self._checker.abandon(action.server)
        return True

    def _finish(self, action: CheckedAction) -> None:
        if action.kind == "move" and action.server >= 0 and action.host >= 0:
            self._checker.end(action.server)
        if action.kind == "enable" and action.host >= 0:
            self._checker.enable(action.host)


def _orders(actions: Sequence[CheckedAction]) -> tuple[list[int], list[int]]:
    """For each place the set (as bits) of its ancestors and of its descendants."""
    before = [0] * len(actions)
    for place, action in enumerate(actions):
        for parent in action.parents:
            before[place] |= before[parent] | (1 << parent)
    after = [0] * len(actions)
    for place in reversed(range(len(actions))):
        for parent in actions[place].parents:
            after[parent] |= after[place] | (1 << place)
    return before, after


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
