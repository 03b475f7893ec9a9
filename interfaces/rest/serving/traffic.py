"""What requests were answered and how long it took, counted over all worker processes.

The counts lie in memory that the master shares with the workers it forks: each worker writes a part
of its own, any of them can tell the sum. A worker that is replaced leaves its part to its
successor, so that no count ever falls.
"""

import mmap
import struct
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration buckets, s; one more bucket has none."""
SERIES = 512
"""Kinds of answers that one worker can tell apart; what comes later is counted as "other"."""
_KEY = 96
_HEADER = struct.Struct("<Q")
_RECORD = struct.Struct(f"<{_KEY}sd{len(BOUNDS) + 1}Q")
_PART = _HEADER.size + SERIES * _RECORD.size
_OTHER = "other"
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT"})


@dataclass(frozen=True)
class Answered:
    """Answers of one kind.

    Attributes:
        route: path template; ``none`` where no route matched.
        seconds: spent on all of them.
        buckets: how many took at most as long as each of BOUNDS and longer than the one before;
            the last one took longer than all.
    """

    method: str
    route: str
    status: int
    seconds: float
    buckets: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.buckets)


class SharedMemory:
    """Counts of several processes; to be made before they are forked.

    Args:
        parts: processes that can count at once.
    """

    def __init__(self, parts: int = 1) -> None:
        self.parts = parts
        self._memory = mmap.mmap(-1, parts * _PART)

    def records(self, part: int) -> Iterator[tuple[str, float, tuple[int, ...]]]:
        """Key, seconds and buckets of what a process counted, in the order of first appearance."""
        for place in range(SERIES):
            key, seconds, *buckets = _RECORD.unpack_from(self._memory, self._offset(part, place))
            if not key[0]:
                return
            yield key.rstrip(b"\0").decode(), seconds, tuple(buckets)

    def put(
        self, part: int, place: int, key: str, seconds: float, buckets: tuple[int, ...]
    ) -> None:
        """Writes a record."""
        offset = self._offset(part, place)
        _RECORD.pack_into(self._memory, offset, key.encode()[:_KEY], seconds, *buckets)

    def put_streams(self, part: int, count: int) -> None:
        """Writes how many event streams a process serves."""
        _HEADER.pack_into(self._memory, part * _PART, count)

    def streams(self) -> int:
        """How many event streams all processes serve."""
        found = (_HEADER.unpack_from(self._memory, part * _PART) for part in range(self.parts))
        return sum(count for (count,) in found)

    def _offset(self, part: int, place: int) -> int:
        return part * _PART + _HEADER.size + place * _RECORD.size


class Traffic:
    """Counts what one process answers; any thread may.

    Args:
        memory: shared with the other processes; None = this one is alone.
        part: of the memory that is this process's.
    """

    def __init__(self, memory: SharedMemory | None = None, part: int = 0) -> None:
        self._memory = memory or SharedMemory()
        self._part = part
        self._lock = threading.Lock()
        self._streams = 0
        self._places: dict[str, int] = {}
        self._counts: dict[str, tuple[float, tuple[int, ...]]] = {}
        for place, (key, *counts) in enumerate(self._memory.records(part)):
            self._places[key] = place
            self._counts[key] = (counts[0], counts[1])  # type: ignore[assignment]
        self._memory.put_streams(part, 0)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Counts an answer."""
        told = method if method in _METHODS else _OTHER
        key = f"{told} {status} {route or 'none'}"
        with self._lock:
            if key not in self._places and len(self._places) >= SERIES - 1:
                key = f"{_OTHER} 0 {_OTHER}"
            place = self._places.setdefault(key, len(self._places))
            spent, before = self._counts.get(key, (0.0, (0,) * (len(BOUNDS) + 1)))
            buckets = list(before)
            buckets[bisect_left(BOUNDS, seconds)] += 1
            counts = (spent + seconds, tuple(buckets))
            self._counts[key] = counts
            self._memory.put(self._part, place, key, *counts)

    def streaming(self, change: int) -> None:
        """Notes that event streams began or ended."""
        with self._lock:
            self._streams += change
            self._memory.put_streams(self._part, self._streams)

    def streams(self) -> int:
        """How many event streams all processes serve."""
        return self._memory.streams()

    def all(self) -> list[Answered]:
        """What all processes have answered."""
        seconds: dict[str, float] = defaultdict(float)
        buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        for part in range(self._memory.parts):
            for key, spent, counts in self._memory.records(part):
                seconds[key] += spent
                buckets[key] = [
                    mine + more for mine, more in zip(buckets[key], counts, strict=True)
                ]
        return [_answered(key, seconds[key], tuple(buckets[key])) for key in sorted(seconds)]


def _answered(key: str, seconds: float, buckets: tuple[int, ...]) -> Answered:
    method, status, route = key.split(" ", 2)
    return Answered(method, route, int(status), seconds, buckets)
