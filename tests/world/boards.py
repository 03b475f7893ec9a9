"""Boards in memory, which pass the suites of those on databases (tests/conformance/read_models)."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from application.ports.counters import EventCount
from application.ports.progress import Progress


class ReferenceProgressBoard:
    """Holds the newest progress of each action."""

    def __init__(self) -> None:
        self._latest: dict[UUID, Progress] = {}

    def put(self, progress: Progress) -> None:
        held = self._latest.get(progress.action_id)
        if held is not None and held.updated_at > progress.updated_at:
            return
        shown = progress.percent, progress.copied
        since = None if shown == (None, None) else progress.updated_at
        if held is not None and (held.percent, held.copied) == shown:
            since = held.unchanged_since
        self._latest[progress.action_id] = replace(progress, unchanged_since=since)

    def of(self, action_ids: Sequence[UUID]) -> dict[UUID, Progress]:
        return {one: self._latest[one] for one in action_ids if one in self._latest}

    def all(self) -> list[Progress]:
        """The progress of every action."""
        return list(self._latest.values())


class ReferenceCounterBoard:
    """Adds up, after the failures that a test arranged.

    Attributes:
        failures: raised by the next additions, one each.
        added: what was added, in batches.
    """

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.added: list[list[EventCount]] = []

    def add(self, counted: Sequence[EventCount]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.added.append(list(counted))

    def rows(self) -> list[EventCount]:
        rows: dict[tuple[str, str, str], EventCount] = {}
        for one in (one for batch in list(self.added) for one in batch):
            key = (one.what, one.of, one.outcome)
            held = rows.get(key, replace(one, count=0))
            rows[key] = replace(held, count=held.count + one.count, last=max(held.last, one.last))
        return [rows[key] for key in sorted(rows)]

    def sums(self) -> list[dict[str, int]]:
        """Of each batch: type of event → count."""
        return [{one.of: one.count for one in batch} for batch in self.added]
