"""Where a user of the debugger stands, and what can be seen from there."""

from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.kernel.json_values import json_value
from application.ports.event_log import Entry, ReadOnlyLog
from application.ports.records import RecordStore
from application.replay.aggregate_history import STEP, AggregateHistory, NoSuchMoment
from application.replay.blame import blame
from application.replay.debugger.lines import Line, Lines, LogLines, TreeLines, Window, walk
from application.replay.diff import Difference, differences
from application.replay.facts import Fact, Folding
from application.replay.runs import is_of_run, proposed
from domain.kernel.aggregate import Aggregate
from domain.kernel.ids import plan_id
from domain.plans.action_types.declaration import ActionType
from domain.plans.events import PlanProposed

if TYPE_CHECKING:
    from application.replay.debugger.host_map import HostMap

NEAR = 500
"""Events of an audit, before and after one of a run, among which the others of the run are."""
FEW = 5
"""Members of a group that are shown each."""
KEPT, MAPS = 32, 4
"""Aggregates whose histories are kept, and plans whose hosts are."""


@dataclass(frozen=True)
class State:
    """An aggregate after the selected event.

    Attributes:
        kind: type of the aggregate: ``audit``, ``plan``, ….
        version: number of its events up to then.
        values: attribute → JSON value; a large group is counted by the states of its members.
        changed: attributes that the event set; none for the first event, which sets all.
    """

    kind: str
    aggregate_id: UUID
    version: int
    values: Mapping[str, Any]
    changed: tuple[Difference, ...]


@dataclass(frozen=True)
class Watch:
    """An attribute of an aggregate.

    Attributes:
        positions: of the events that changed it.
    """

    aggregate_id: UUID
    path: str
    positions: frozenset[int]


class Session:
    """A walk through a log. It only reads.

    Args:
        log: the event log.
        records: the stored records; called when they are first needed.
        action_types: the installed ones; likewise.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        records: Callable[[], RecordStore],
        action_types: Callable[[], Mapping[str, ActionType]],
    ) -> None:
        self.log = log
        self._records = records
        self._action_types = action_types
        self.in_log = LogLines(log)
        self._tree: TreeLines | None = None
        self._window = Window(self.in_log)
        self.selected = self.in_log.end()
        self.is_every = False
        self.bookmarks: list[int] = []
        self.watches: list[Watch] = []
        self._histories: OrderedDict[UUID, AggregateHistory] = OrderedDict()
        self._maps: OrderedDict[UUID, HostMap | None] = OrderedDict()

    # -- the list -------------------------------------------------------------------------------

    @property
    def lines(self) -> Lines:
        """The lines that are listed."""
        return self._tree or self.in_log

    @property
    def is_tree(self) -> bool:
        """Whether the lines are a tree of causes."""
        return self._tree is not None

    def rows(self, height: int) -> list[Line]:
        """The lines on a screen of so many rows."""
        return [] if self.selected is None else self._window.rows(self.selected, height)

    def select(self, line: Line | None) -> bool:
        """Selects a line; returns whether there is one."""
        if line is not None:
            self.selected = line
        return line is not None

    def step(self, count: int) -> bool:
        """Selects the line so many lines below (above, if negative); returns whether it moved."""
        moved = list(islice(self._walk(1 if count > 0 else -1), abs(count)))
        return self.select(moved[-1] if moved else None)

    def goto(self, position: int) -> bool:
        """Selects the line of an event, or of the last fact before it."""
        return self.select(self.lines.at(position))

    def end(self, step: int) -> bool:
        """Selects the last line, also of what was appended meanwhile (1), or the first (-1)."""
        if step > 0:
            self.in_log.refresh()
            self._maps.clear()
        return self.select(self.lines.end(step))

    def same_aggregate(self, step: int) -> bool:
        """Selects the next (1) or previous (-1) line of the same aggregate."""
        here = self.selected
        if here is None:
            return False
        aggregate = here.fact.aggregate_id
        if self._tree is None:
            return self.select(self.in_log.next_of(aggregate, here.position, step))
        same = (one for one in self._walk(step) if one.fact.aggregate_id == aggregate)
        return self.select(next(same, None))

    def toggle_every(self) -> None:
        """Lists every event, or only facts that matter."""
        self.is_every = not self.is_every
        self.in_log = LogLines(self.log, every=self.is_every)
        self._show(None)

    def toggle_tree(self) -> bool:
        """Lists the run of the selected event as a tree of causes, or the log again.

        Returns:
            False if the event belongs to no run.
        """
        if self._tree is not None:
            self._show(None)
            return True
        facts = [] if self.selected is None else self._run_of(self.selected.fact)
        if facts:
            self._show(TreeLines(facts))
        return bool(facts)

    def _show(self, tree: TreeLines | None) -> None:
        self._tree = tree
        self._window = Window(self.lines)
        if self.selected is not None:
            self.goto(self.selected.position)

    def _walk(self, step: int) -> Iterator[Line]:
        return iter(()) if self.selected is None else walk(self.lines.next, self.selected, step)

    # -- marks ----------------------------------------------------------------------------------

    def toggle_bookmark(self) -> bool:
        """Sets or removes a bookmark at the selected line; returns whether there is one now."""
        here = -1 if self.selected is None else self.selected.position
        known = here in self.bookmarks
        self.bookmarks = sorted({*self.bookmarks} ^ {here})
        return not known

    def next_bookmark(self) -> bool:
        """Selects the next bookmark; after the last one, the first."""
        here = -1 if self.selected is None else self.selected.position
        later = self.bookmarks[bisect_right(self.bookmarks, here) :] or self.bookmarks
        return bool(later) and self.goto(later[0])

    def watch(self, path: str, log: ReadOnlyLog | None = None) -> Watch | None:
        """Watches an attribute of the selected aggregate; if it is watched, not any more (None).

        Args:
            path: of the attribute.
            log: the log of this session; it may be watched (``WatchedLog``).

        Raises:
            NoSuchMoment: it never had such an attribute, or its events cannot be read.
        """
        if self.selected is None:
            raise NoSuchMoment("no event is selected")
        aggregate = self.selected.fact.aggregate_id
        left = [one for one in self.watches if (one.aggregate_id, one.path) != (aggregate, path)]
        found = None
        if len(left) == len(self.watches):
            changed = blame(log or self.log, aggregate, path)
            found = Watch(aggregate, path, frozenset(one.event.position for one in changed))
            left.append(found)
        self.watches = left
        return found

    def is_watched(self, fact: Fact) -> bool:
        """Whether an event of a fact changed a watched attribute."""
        return any(not one.positions.isdisjoint(fact.positions) for one in self.watches)

    def next_change(self, step: int) -> bool:
        """Selects the next (1) or previous (-1) event that changed a watched attribute."""
        here = () if self.selected is None else self.selected.fact.positions
        every = {position for one in self.watches for position in one.positions}
        ahead = [one for one in every if (one > max(here) if step > 0 else one < min(here))]
        if ahead:
            self.reveal(min(ahead) if step > 0 else max(ahead))
        return bool(ahead)

    def reveal(self, position: int) -> None:
        """Selects the line of an event; lists every event if it would not be listed otherwise."""
        if self._tree is not None and not self._holds(position):
            self._show(None)
        if not self.is_every and not self._holds(position):
            self.toggle_every()
        self.goto(position)

    def _holds(self, position: int) -> bool:
        line = self.lines.at(position)
        return line is not None and position in line.fact.positions

    # -- searching ------------------------------------------------------------------------------

    def seek(
        self, is_wanted: Callable[[Fact], bool], log: ReadOnlyLog, step: int = 1
    ) -> Line | None:
        """The next (1) or previous (-1) line with a wanted fact. May run in a thread of its own.

        Args:
            is_wanted: of the fact of a line.
            log: the log of this session; it may be watched (``WatchedLog``).
            step: 1 or -1.
        """
        if self.selected is None:
            return None
        lines = self._tree or LogLines(log, every=self.is_every, size=self.in_log.size)
        found = walk(lines.next, self.selected, step)
        return next((line for line in found if is_wanted(line.fact)), None)

    # -- what the selected event shows ----------------------------------------------------------

    def state(self) -> State | None:
        """The aggregate after the selected event.

        Raises:
            NoSuchMoment: one of its events cannot be read.
        """
        if self.selected is None:
            return None
        fact = self.selected.fact
        history = self._history(fact.aggregate_id)
        with history.lock:  # the latest state is changed by later events
            version = history.version_at(fact.position)
            after = history.fold(version).state
            before = history.fold(version - 1).state if version > 1 else after
            if before is None or after is None:
                return None
            values = _public(after)
            return State(
                str(getattr(type(after), "TOPIC", type(after).__name__)),
                fact.aggregate_id,
                version,
                {name: _short(value) for name, value in values.items()},
                tuple(differences(_public(before), values)),
            )

    def events(self) -> list[Entry]:
        """The events of the selected fact."""
        positions = () if self.selected is None else self.selected.fact.positions
        return [entry for one in positions for entry in self.log.read(one - 1, 1)]

    def plan(self) -> PlanProposed | None:
        """The plan of the selected event; that of its run, if it is an event of the audit."""
        if self.selected is None:
            return None
        fact = self.selected.fact
        found = proposed(self.log, fact.aggregate_id)
        if found is None and fact.correlation_id is not None:
            found = proposed(self.log, plan_id(fact.aggregate_id, fact.correlation_id))
        return found

    def hosts(self) -> "HostMap | None":
        """The hosts of the plan of the selected event; None without a plan or decision record."""
        plan = self.plan()
        if plan is None or not plan.record:
            return None
        key = plan.originator_id
        if key not in self._maps:
            self._maps[key] = self._map(plan)
            if len(self._maps) > MAPS:
                self._maps.popitem(last=False)
        return self._maps[key]

    def _map(self, plan: PlanProposed) -> "HostMap | None":
        from application.records.decision import decode_record  # noqa: PLC0415 - needs numpy
        from application.replay.debugger.host_map import HostMap  # noqa: PLC0415 - likewise
        from application.replay.executed_actions import executed  # noqa: PLC0415 - likewise

        try:
            record = decode_record(self._records().get(plan.record))
        except (KeyError, ValueError):
            return None  # lost or damaged: `vigil replay verify` says so
        actions = executed(self.log, self.log.history(plan.originator_id))
        found = HostMap(record, actions, self._action_types())
        return found if found.resources else None

    def _history(self, aggregate: UUID) -> AggregateHistory:
        found = self._histories.get(aggregate)
        if found is None:
            plan = proposed(self.log, aggregate)
            step = max(STEP, len(plan.actions) if plan else 0)  # a kept fold has every action
            found = self._histories[aggregate] = AggregateHistory(self.log, aggregate, step=step)
        self._histories.move_to_end(aggregate)
        if len(self._histories) > KEPT:
            self._histories.popitem(last=False)
        return found

    def _run_of(self, fact: Fact) -> list[Fact]:
        """The facts of the run of a fact: events of the audit and of its plan."""
        run = fact.correlation_id
        plan = self.plan()
        audit = fact.aggregate_id if plan is None else plan.audit_id
        if run is None:
            return []
        near = self.log.version(audit, fact.position)
        around = self.log.history(audit, max(0, near - NEAR), near + NEAR)
        found = [*self.log.history(audit, 0, 1), *(one for one in around if is_of_run(one, run))]
        if plan is not None:
            found.extend(self.log.history(plan.originator_id))
        folding = Folding()
        facts = list(folding.of(sorted(found, key=lambda one: one.position)))
        return sorted([*facts, *folding.running()], key=lambda one: one.position)


def _public(state: Aggregate) -> dict[str, Any]:
    return {name: value for name, value in vars(state).items() if name[:1] != "_"}


def _short(value: object) -> Any:
    """A value as JSON; of a group with more than a few members only their number, by state."""
    if not isinstance(value, Mapping) or len(value) <= FEW:
        return json_value(value)
    states = Counter(str(getattr(one, "state", "members")) for one in value.values())
    return ", ".join(f"{count} {state}" for state, count in states.items())
