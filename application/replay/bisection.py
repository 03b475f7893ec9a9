"""The first event at which a condition became true.

A condition may become true and false again, so the log is not halved: the events that can change
one of its values are read in the order of the log, and only these. They are found by indexes, so
the cost depends on the history of the objects that the condition names, not on the log.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import Any

from application.replay.expression import Expression
from application.replay.values import ABSENT, Path


@dataclass(frozen=True)
class Change:
    """The values of an object after an event.

    Attributes:
        unknown: why the values are not known, None if they are; the last known ones stay.
    """

    position: int
    values: Mapping[Path, Any]
    unknown: str | None = None


@dataclass(frozen=True)
class Bisection:
    """The result of a search.

    Attributes:
        position: of the event that made the condition true; None if it never was true. Before
            ``since`` if it was true already.
        before, after: the values that the condition names, before and after that event.
        already: whether it was true before the first event that was searched.
        searched: number of events in the range that can change a value.
        unknown: reasons why some of these could not be judged.
        absent: values that never existed in the range.
    """

    position: int | None
    before: Mapping[Path, Any]
    after: Mapping[Path, Any]
    already: bool = False
    searched: int = 0
    unknown: tuple[str, ...] = ()
    absent: tuple[Path, ...] = ()


def first_true(
    expression: Expression,
    changes: Iterable[Iterable[Change]],
    since: int = 0,
    until: int | None = None,
) -> Bisection:
    """Searches for the event at which a condition became true.

    Args:
        expression: the condition.
        changes: of each object that it names, in the order of the log; read lazily.
        since: the first position of the range; events before it only give the values at its start.
        until: the last position; None: the end of the log.

    Raises:
        InvalidExpression: values that have no order are compared.
    """
    return _Search(expression, since).run(merge(*changes, key=attrgetter("position")), until)


class _Search:
    def __init__(self, expression: Expression, since: int) -> None:
        self._expression = expression
        self._since = since
        self._values: dict[Path, Any] = dict.fromkeys(expression.paths, ABSENT)
        self._existed: set[Path] = set()
        self._unknown: list[str] = []
        self._searched = 0
        self._holds = self._judge()
        self._began: Bisection | None = None

    def run(self, changes: Iterator[Change], until: int | None) -> Bisection:
        for position, group in groupby(changes, key=attrgetter("position")):
            if until is not None and position > until:
                break
            if position >= self._since and self._holds:
                return self._result(already=True)
            before = dict(self._values)
            self._take(group, position)
            held, self._holds = self._holds, self._judge()
            if self._holds and not held:
                self._began = Bisection(position, before, dict(self._values))
                if position >= self._since:
                    return self._result()
        return self._result(already=True) if self._holds else self._nothing()

    def _take(self, group: Iterable[Change], position: int) -> None:
        self._searched += position >= self._since
        for change in group:
            if change.unknown is not None:
                self._unknown.append(change.unknown)
            self._values.update(change.values)
            self._existed.update(p for p, value in change.values.items() if value is not ABSENT)

    def _judge(self) -> bool:
        return self._expression.holds(self._values.__getitem__)

    def _result(self, *, already: bool = False) -> Bisection:
        began = self._began or Bisection(0, self._values, self._values)
        return Bisection(
            began.position,
            began.before,
            began.after,
            already=already,
            searched=self._searched,
            unknown=tuple(dict.fromkeys(self._unknown)),
        )

    def _nothing(self) -> Bisection:
        absent = tuple(path for path in self._values if path not in self._existed)
        unknown = tuple(dict.fromkeys(self._unknown))
        last = dict(self._values)
        return Bisection(None, last, last, searched=self._searched, unknown=unknown, absent=absent)
