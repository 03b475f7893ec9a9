"""The lines that the debugger lists: facts in the order of the log, or under their causes.

A log may have millions of events, so a line is found by its position, and only the pages that are
looked at are read.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol
from uuid import UUID

from application.ports.event_log import Entry, ReadOnlyLog, RecordedEvent
from application.replay.facts import Fact, Folding, cause_tree, single
from domain.plans.action import ActionState
from domain.plans.events import ActionIntended

PAGE = 256
"""Positions of a page."""
KEPT = 64
"""Pages that are kept."""
LOOK_BACK = 8
"""Pages of the events of a plan in which the beginning of an action is searched."""
_BEGAN = frozenset({ActionState.SUCCEEDED, ActionState.FAILED, ActionState.ONGOING})
"""States of actions that had a request."""


@dataclass(frozen=True)
class Line:
    """A fact in its place.

    Attributes:
        lead: what is drawn before it in a tree.
    """

    fact: Fact
    lead: str = ""

    @property
    def position(self) -> int:
        """Identifies the line: that of the last event of the fact."""
        return self.fact.position


class Lines(Protocol):
    """Lines in an order. A line is named by its position."""

    def at(self, position: int) -> Line | None:
        """The line of an event, or of the last fact before it, or else the first line."""
        ...

    def next(self, position: int, step: int = 1) -> Line | None:
        """The line after that of a position (step 1) or before it (-1); None at the end."""
        ...

    def end(self, step: int = 1) -> Line | None:
        """The last line (step 1) or the first (-1); None if there is none."""
        ...


class LogLines:
    """The facts of a log, newest last.

    Args:
        log: the event log.
        every: whether each event is a line, also of routine.
        size: the last position that is shown; None: the end of the log now.
    """

    def __init__(self, log: ReadOnlyLog, *, every: bool = False, size: int | None = None) -> None:
        self._log = log
        self._every = every
        self._pages: OrderedDict[int, tuple[list[int], list[Fact]]] = OrderedDict()
        self.size = log.end() if size is None else size

    def refresh(self) -> None:
        """Reads what was appended."""
        self._pages.pop(self._last_page, None)
        self.size = self._log.end()

    def at(self, position: int) -> Line | None:
        """The line of an event, or of the last fact before it, or else the first line."""
        return (
            self.exactly(position)
            or self._of_action(position)
            or self.next(position, -1)
            or self.end(-1)
        )

    def exactly(self, position: int) -> Line | None:
        """The line whose last event is at a position; None if there is none."""
        positions, facts = self._page(self._number(position))
        place = bisect_left(positions, position)
        found = place < len(positions) and positions[place] == position
        return Line(facts[place]) if found else None

    def next(self, position: int, step: int = 1) -> Line | None:
        """The line after that of a position (step 1) or before it (-1); None at the end."""
        number = self._number(position)
        positions, facts = self._page(number)
        found = bisect_right(positions, position) if step > 0 else bisect_left(positions, position)
        place = found if step > 0 else found - 1
        if 0 <= place < len(facts):
            return Line(facts[place])
        ahead = range(number + 1, self._last_page + 1) if step > 0 else range(number - 1, -1, -1)
        return self._first_of(ahead, step)

    def end(self, step: int = 1) -> Line | None:
        """The last line (step 1) or the first (-1); None if there is none."""
        every = range(self._last_page + 1)
        return self._first_of(reversed(every) if step > 0 else every, -step)

    def next_of(self, aggregate: UUID, position: int, step: int = 1) -> Line | None:
        """The next (step 1) or previous (-1) line of an aggregate."""
        version = self._log.version(aggregate, position)
        while True:
            if step > 0:
                page = self._log.history(aggregate, version, version + PAGE)
            else:
                upto = version - 1 if version else 0
                page = self._log.history(aggregate, max(0, upto - PAGE), upto)
            for entry in page if step > 0 else reversed(page):
                found = self.exactly(entry.position)
                if found is not None and entry.position != position:
                    return found
            if not page:
                return None
            version = page[-1].version if step > 0 else page[0].version

    def _of_action(self, position: int) -> Line | None:
        """The line of the action of an event, if it is one of an action."""
        for entry in self._log.read(position - 1, 1):
            action = _action_of(entry)
            if action is None or entry.position != position:
                return None
            plan, version = entry.aggregate_id, entry.version
            for later in self._log.history(plan, version, version + LOOK_BACK * PAGE):
                if _action_of(later) == action and (found := self.exactly(later.position)):
                    return found
        return None

    def _number(self, position: int) -> int:
        return min(max(position - 1, 0) // PAGE, self._last_page)

    @property
    def _last_page(self) -> int:
        return max(self.size - 1, 0) // PAGE

    def _first_of(self, pages: Iterator[int] | range, step: int) -> Line | None:
        for number in pages:
            facts = self._page(number)[1]
            if facts:
                return Line(facts[0 if step > 0 else -1])
        return None

    def _page(self, number: int) -> tuple[list[int], list[Fact]]:
        found = self._pages.get(number)
        if found is None:
            facts = sorted(self._read(number), key=lambda fact: fact.position)
            found = self._pages[number] = [fact.position for fact in facts], facts
            if len(self._pages) > KEPT:
                self._pages.popitem(last=False)
        self._pages.move_to_end(number)
        return found

    def _read(self, number: int) -> list[Fact]:
        after, upto = number * PAGE, min((number + 1) * PAGE, self.size)
        entries = [one for one in self._log.read(after, PAGE) if one.position <= upto]
        if self._every:
            return [single(one) for one in entries]
        for _ in range(LOOK_BACK):
            folding = Folding()
            facts = list(folding.of(entries))
            if upto == self.size:
                facts += folding.running()
            earlier = self._earlier(entries, set(_torn(facts, entries, after)))
            if not earlier:
                break
            entries = sorted([*earlier, *entries], key=lambda entry: entry.position)
        return [one for one in facts if one.position > after]

    def _earlier(self, entries: Sequence[Entry], plans: set[UUID]) -> list[Entry]:
        """The events of some plans before the first one that is known."""
        found: list[Entry] = []
        for plan in plans:
            first = next(one.version for one in entries if one.aggregate_id == plan)
            found += self._log.history(plan, max(0, first - 1 - PAGE), first - 1)
        return found


def _action_of(entry: Entry) -> UUID | None:
    return getattr(entry.event, "action_id", None) if isinstance(entry, RecordedEvent) else None


def _torn(facts: Iterable[Fact], entries: Iterable[Entry], after: int) -> Iterator[UUID]:
    """The plans with an action whose first request was before the entries."""
    events = {one.position: one.event for one in entries if isinstance(one, RecordedEvent)}
    for fact in facts:
        first = events.get(fact.positions[0])
        began = isinstance(first, ActionIntended) and first.attempt == 1
        may_have = fact.state in _BEGAN or len(fact.positions) > 1
        if fact.position > after and fact.action is not None and may_have and not began:
            yield fact.aggregate_id


class TreeLines:
    """Some facts, each under the one that caused it.

    Args:
        facts: in the order of the log.
    """

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._lines = [Line(fact, lead) for fact, lead in cause_tree(facts)]
        self._places = {
            position: place
            for place, one in enumerate(self._lines)
            for position in one.fact.positions
        }
        self._sorted = sorted(self._places)

    def at(self, position: int) -> Line | None:
        """The line of an event, or of the last fact before it, or else the first line."""
        place = max(bisect_right(self._sorted, position) - 1, 0)
        return self._lines[self._places[self._sorted[place]]] if self._lines else None

    def next(self, position: int, step: int = 1) -> Line | None:
        """The line after that of a position (step 1) or before it (-1); None at the end."""
        here = self.at(position)
        place = -1 if here is None else self._places[here.position] + step
        return self._lines[place] if 0 <= place < len(self._lines) else None

    def end(self, step: int = 1) -> Line | None:
        """The last line (step 1) or the first (-1); None if there is none."""
        return self._lines[-1 if step > 0 else 0] if self._lines else None


class Window:
    """The lines on the screen: those around the selected one; it moves no more than it must.

    Args:
        lines: all lines.
    """

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._top: int | None = None

    def rows(self, selected: Line, height: int) -> list[Line]:
        """So many lines, fewer if there are no more; the selected one is among them."""
        top = None if self._top is None else self.lines.at(self._top)
        rows = [] if top is None else self._from(top, height)
        if selected.position not in _positions(rows):
            rows = self._from(self._top_for(selected, rows, height), height)
        if len(rows) < height:
            rows = [*self._near(rows[0], -1, height - len(rows))[::-1], *rows]
        self._top = rows[0].position
        return rows

    def _top_for(self, selected: Line, rows: list[Line], height: int) -> Line:
        """The first line of a window with a line that is not in the present one."""
        above = self._near(selected, -1, height - 1)
        if rows and selected.position in _positions(self._near(rows[0], -1, height)):
            return selected
        if not rows or rows[-1].position not in _positions(above):
            above = above[: height // 2]  # far away: in the middle
        return above[-1] if above else selected

    def _from(self, line: Line, count: int) -> list[Line]:
        return [line, *self._near(line, 1, count - 1)]

    def _near(self, line: Line, step: int, count: int) -> list[Line]:
        return list(islice(walk(self.lines.next, line, step), max(count, 0)))


def _positions(lines: Sequence[Line]) -> set[int]:
    return {one.position for one in lines}


def walk(following: Callable[[int, int], Line | None], line: Line, step: int) -> Iterator[Line]:
    """The lines after a line (step 1) or before it (-1), the nearest first."""
    found = following(line.position, step)
    while found is not None:
        yield found
        found = following(found.position, step)
