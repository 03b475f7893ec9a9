"""Counts requests and their durations over all worker processes.

The counts are in memory that the master shares with the workers it forks. Each worker writes its
own part; each can read the sum. A worker that replaces another continues that one's part, so a
count never decreases. prometheus_client could count over processes too, but keeps one set of files
per process id in a directory, which grow with each replaced worker and must be deleted at start.
"""

import mmap
import struct
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration buckets, s; the last bucket has none."""
SERIES = 512
"""Series (method, route, status) of one worker; further ones are counted as "other"."""
_KEY = 96
_HEADER = struct.Struct("<Q")
_RECORD = struct.Struct(f"<{_KEY}sd{len(BOUNDS) + 1}Q")
_PART = _HEADER.size + SERIES * _RECORD.size
_OTHER = "other"
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT"})


@dataclass(frozen=True)
class RequestCount:
    """Answered requests of one method, route and status.

    Attributes:
        route: path template; ``none`` if no route matched.
        seconds: sum of the durations.
        buckets: number of requests per duration bucket, not cumulative.
    """

    method: str
    route: str
    status: int
    seconds: float
    buckets: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of requests."""
        return sum(self.buckets)


class SharedMemory:
    """Counts of several processes. Created before they are forked.

    Args:
        parts: processes that can count at once.
    """

    def __init__(self, parts: int = 1) -> None:
        self.parts = parts
        self._memory = mmap.mmap(-1, parts * _PART)

    def records(self, part: int) -> Iterator[tuple[str, float, tuple[int, ...]]]:
        """Key, seconds and buckets of each series of a process, in order of first appearance."""
        for index in range(SERIES):
            key, seconds, *buckets = _RECORD.unpack_from(self._memory, self._offset(part, index))
            if not key[0]:
                return
            yield key.rstrip(b"\0").decode(), seconds, tuple(buckets)

    def put(
        self, part: int, index: int, key: str, seconds: float, buckets: tuple[int, ...]
    ) -> None:
        """Writes the record of a series."""
        offset = self._offset(part, index)
        _RECORD.pack_into(self._memory, offset, key.encode()[:_KEY], seconds, *buckets)

    def put_streams(self, part: int, count: int) -> None:
        """Writes the number of open event streams of a process."""
        _HEADER.pack_into(self._memory, part * _PART, count)

    def streams(self) -> int:
        """Number of open event streams of all processes."""
        found = (_HEADER.unpack_from(self._memory, part * _PART) for part in range(self.parts))
        return sum(count for (count,) in found)

    def _offset(self, part: int, index: int) -> int:
        return part * _PART + _HEADER.size + index * _RECORD.size


class Traffic:
    """Counts the requests of one process. Thread-safe.

    Args:
        memory: shared with the other processes; None = there are no others.
        part: of the memory that this process writes.
    """

    def __init__(self, memory: SharedMemory | None = None, part: int = 0) -> None:
        self._memory = memory or SharedMemory()
        self._part = part
        self._lock = threading.Lock()
        self._streams = 0
        self._indices: dict[str, int] = {}
        self._counts: dict[str, tuple[float, tuple[int, ...]]] = {}
        for index, (key, seconds, buckets) in enumerate(self._memory.records(part)):
            self._indices[key] = index
            self._counts[key] = (seconds, buckets)
        self._memory.put_streams(part, 0)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Counts an answered request."""
        method_label = method if method in _METHODS else _OTHER
        key = f"{method_label} {status} {route or 'none'}"
        with self._lock:
            if key not in self._indices and len(self._indices) >= SERIES - 1:
                key = f"{_OTHER} 0 {_OTHER}"
            index = self._indices.setdefault(key, len(self._indices))
            spent, before = self._counts.get(key, (0.0, (0,) * (len(BOUNDS) + 1)))
            buckets = list(before)
            buckets[bisect_left(BOUNDS, seconds)] += 1
            counts = (spent + seconds, tuple(buckets))
            self._counts[key] = counts
            self._memory.put(self._part, index, key, *counts)

    def change_streams(self, change: int) -> None:
        """Adds to the number of open event streams."""
        with self._lock:
            self._streams += change
            self._memory.put_streams(self._part, self._streams)

    def streams(self) -> int:
        """Number of open event streams of all processes."""
        return self._memory.streams()

    def all(self) -> list[RequestCount]:
        """The counts of all processes, summed."""
        seconds: dict[str, float] = defaultdict(float)
        buckets: dict[str, tuple[int, ...]] = defaultdict(lambda: (0,) * (len(BOUNDS) + 1))
        for part in range(self._memory.parts):
            for key, spent, counts in self._memory.records(part):
                seconds[key] += spent
                buckets[key] = tuple(map(sum, zip(buckets[key], counts, strict=True)))
        return [_count(key, seconds[key], buckets[key]) for key in sorted(seconds)]


def _count(key: str, seconds: float, buckets: tuple[int, ...]) -> RequestCount:
    method, status, route = key.split(" ", 2)
    return RequestCount(method, route, int(status), seconds, buckets)
