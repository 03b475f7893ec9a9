"""Checks that a plan breaks no rule at any prefix of any execution that its edges allow."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from domain.cluster.verifier.checked_action import CheckedAction
from domain.cluster.verifier.coverage import covered
from domain.cluster.verifier.verifier import Verifier
from domain.kernel.errors import InvalidValue

_ROUNDING = 1e-6
"""Of sums of measured use (cores, MB), which depend on the order of their terms."""


@dataclass(frozen=True)
class Violation:
    """A rule that a plan breaks.

    Attributes:
        place: index of the action in the plan (0-based).
        server: index of the server; -1 if none.
        host: index of the destination; -1 if none.
        rule: name of the rule.
    """

    place: int
    server: int
    host: int
    rule: str


class Order:
    """Which actions of a plan its edges put before and behind each other.

    Args:
        parents: for each action, in a topological order, those that end before it starts.

    Raises:
        InvalidValue: a parent does not come before its action.
    """

    def __init__(self, parents: Sequence[tuple[int, ...]]) -> None:
        self.before, self.after = _ancestors_and_descendants(parents)

    def is_before(self, first: int, second: int) -> bool:
        """Whether an action has always ended when another one starts."""
        return bool(self.before[second] >> first & 1)

    def may_overlap(self, first: int, second: int) -> bool:
        """Whether two different actions may be in progress at once."""
        ordered = self.before[second] | self.after[second] | (1 << second)
        return not ordered >> first & 1


def check_plan(
    actions: Sequence[CheckedAction], order: Order, new_verifier: Callable[[], Verifier]
) -> list[Violation]:
    """The violations of a plan.

    For each move: all its ancestors are done, and every action that the edges order neither
    before nor after it is in progress, counted on both hosts. Such an action is in progress only
    after its own ancestors are done: room that these leave for it on the destination is not missing
    there. This is the worst case, so a plan without violations here is legal at every prefix of
    every execution.

    Args:
        actions: the plan, topologically ordered.
        order: by the edges of the plan.
        new_verifier: makes a verifier of the model before the plan.
    """
    replay = _Replay(actions, order, new_verifier())
    return [violation for place in range(len(actions)) for violation in replay.check(place)]


class _Replay:
    """Brings a verifier into the worst case of one action after the other."""

    def __init__(self, actions: Sequence[CheckedAction], order: Order, verifier: Verifier) -> None:
        self._actions = actions
        self._verifier = verifier
        self._before, self._after = order.before, order.after
        self._done = 0
        self._moving = 0
        self._of_server: dict[int, list[int]] = {}
        self._switches: dict[int, list[int]] = {}
        self._into: dict[int, list[int]] = {}
        self._off: dict[int, list[int]] = {}
        self._read()
        self._start = {server: verifier.host_of(server) for server in self._of_server}
        self._open = {host: verifier.is_open(host) for host in self._switches}
        self._up = {host: verifier.is_up(host) for host in self._switches}

    def _read(self) -> None:
        at: dict[int, int] = {}
        for place, action in enumerate(self._actions):
            if action.host < 0 or action.kind == "other":
                continue
            if action.kind != "move":
                self._switches.setdefault(action.host, []).append(place)
            elif action.server >= 0:
                source = at.get(action.server, self._verifier.host_of(action.server))
                at[action.server] = action.host
                self._of_server.setdefault(action.server, []).append(place)
                self._into.setdefault(action.host, []).append(place)
                self._off.setdefault(source, []).append(place)

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
        broken = self._verifier.broken(action.server, action.host)
        if "Capacity" in broken and self._room_is_left(action):
            broken.discard("Capacity")
        return [Violation(place, action.server, action.host, rule) for rule in sorted(broken)]

    def _set_situation(self, done: int, moving: int) -> None:
        changed = (self._done ^ done) | (self._moving ^ moving)
        self._done, self._moving = done, moving
        for action in {self._actions[place] for place in _bits(changed)}:
            if action.kind == "move" and action.server in self._of_server:
                self._place_server(action.server)
            elif action.host in self._switches:
                self._switch_host(action.host)

    def _place_server(self, server: int) -> None:
        at, ahead = self._start[server], []
        for place in self._of_server[server]:
            if self._done >> place & 1:
                at = self._actions[place].host
            elif self._moving >> place & 1:
                ahead.append(self._actions[place].host)
        self._verifier.place(server, at, ahead)

    def _switch_host(self, host: int) -> None:
        """A host is open, or up, if what is done says so, and nothing in progress may end it."""
        is_open, up = self._open[host], self._up[host]
        kinds = {self._actions[place].kind for place in self._in_progress(self._switches[host])}
        for place in self._switches[host]:
            if self._done >> place & 1:
                kind = self._actions[place].kind
                is_open = kind == "enable" if kind in {"enable", "disable"} else is_open
                up = kind == "power-on" if kind in {"power-on", "power-off"} else up
        self._verifier.switch(
            host, is_open=is_open and "disable" not in kinds, up=up and "power-off" not in kinds
        )

    def _room_is_left(self, action: CheckedAction) -> bool:
        """Whether what the host lacks is left to it by moves that others in progress waited for.

        A server that leaves the host and comes back counts there once, whatever it does.
        """
        arrivals = self._in_progress(self._into.get(action.host, ()))
        departures = self._in_progress(self._off.get(action.host, ()))
        last = {self._actions[place].server: place for place in arrivals}
        back = {s for d in departures if last.get(s := self._actions[d].server, -1) > d}
        arrivals = [place for place in arrivals if self._actions[place].server not in back]
        departures = [place for place in departures if self._actions[place].server not in back]
        waited = [[d for d in departures if self._before[a] >> d & 1] for a in arrivals]
        if not any(waited):
            return False
        for resource, lacking in self._verifier.shortages(action.server, action.host).items():
            demands = [
                (self._need(arrival, resource), some)
                for arrival, some in zip(arrivals, waited, strict=True)
            ]
            supplies = {departure: self._need(departure, resource) for departure in departures}
            if covered(demands, supplies) < lacking - _ROUNDING:
                return False
        return True

    def _in_progress(self, places: Sequence[int]) -> list[int]:
        return [place for place in places if self._moving >> place & 1]

    def _need(self, place: int, resource: str) -> float:
        return self._verifier.need(self._actions[place].server, resource)


def _ancestors_and_descendants(
    parents: Sequence[tuple[int, ...]],
) -> tuple[list[int], list[int]]:
    """For each action the sets (as bits) of its ancestors and of its descendants.

    Actions with the same parents share their set of ancestors, and likewise with children: for the
    10,000 actions of a plan in chunks, each set on its own would take 25 MB.
    """
    before: list[int] = []
    children: list[list[int]] = [[] for _ in parents]
    known: dict[tuple[int, ...], int] = {(): 0}
    for place, its in enumerate(parents):
        for parent in its:
            if not 0 <= parent < place:
                raise InvalidValue(
                    f"actions[{place}].parents", f"name {parent}, which is not before"
                )
            children[parent].append(place)
        before.append(_shared(known, its, before))
    after = [0] * len(parents)
    known = {(): 0}
    for place in reversed(range(len(parents))):
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
