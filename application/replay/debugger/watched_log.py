"""A log that can be taken away from a long search, and that shows how far the search is."""

from collections.abc import Callable, Collection
from uuid import UUID

from application.ports.event_log import Entry, ReadOnlyLog


class Stopped(Exception):
    """The search was stopped."""


class WatchedLog:
    """A log.

    Args:
        log: is read.
        watch: called before each reading with the position from which the log was last read; raises
            ``Stopped`` to end the search.
    """

    def __init__(self, log: ReadOnlyLog, watch: Callable[[int], None]) -> None:
        self._log = log
        self._watch = watch
        self._at = 0

    def read(self, after: int, limit: int, topics: Collection[str] = ()) -> list[Entry]:
        """As ``ReadOnlyLog``."""
        self._at = after
        self._watch(after)
        return self._log.read(after, limit, topics)

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        """As ``ReadOnlyLog``."""
        self._watch(self._at)
        return self._log.history(aggregate_id, after, upto)

    def end(self) -> int:
        """As ``ReadOnlyLog``."""
        return self._log.end()

    def version(self, aggregate_id: UUID, position: int | None = None) -> int:
        """As ``ReadOnlyLog``."""
        return self._log.version(aggregate_id, position)

    def aggregates(self, first: UUID, last: UUID, limit: int) -> list[UUID]:
        """As ``ReadOnlyLog``."""
        return self._log.aggregates(first, last, limit)
