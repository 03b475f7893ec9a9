"""The placement history from which every metric is computed.

It is a fold of `PlacementChange`s (a server runs on a host from now on, or no longer runs), so a
restart rebuilds it exactly. Counters began a week before the cloud did, so any usual window is
full.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from infrastructure.simulator.core import hardware
from infrastructure.simulator.core.model import Host, Server
from infrastructure.simulator.core.workload import BoolArray, Floats, Indices, LoadTable

BEGINNING = -7 * 86400.0  # simulated seconds


@dataclass(frozen=True, slots=True)
class _Span:
    """From `start` on, `members` run on a host, each getting `factor` of what it wants."""

    start: float
    members: Indices
    factor: float
    before: float  # CPU-seconds its servers had used by then


@dataclass(frozen=True, slots=True)
class _Run:
    """From `start` on, a server gets `factor` of what it wants (0: it does not run)."""

    start: float
    factor: float
    before: float


@dataclass
class Timeline:
    """Placement over simulated time, and the CPU and memory that follow from it."""

    hosts: Sequence[Host]
    servers: Sequence[Server]
    loads: LoadTable = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing running; the caller then calls `start` with the first placement."""
        self.loads = LoadTable(self.servers)
        self._row = {s.id: i for i, s in enumerate(self.servers)}
        self._where: list[str | None] = [None] * len(self.servers)
        self._members: dict[str, set[int]] = {h.name: set() for h in self.hosts}
        self._host = {h.name: h for h in self.hosts}
        self._spans: dict[str, list[_Span]] = {h.name: [] for h in self.hosts}
        self._runs: list[list[_Run]] = [[_Run(BEGINNING, 0.0, 0.0)] for _ in self.servers]
        self._changed: set[int] = set()  # servers with more than their first run

    def start(self, placement: dict[str, str | None]) -> None:
        """The placement at the beginning of time: server id to host name."""
        for server_id, host in placement.items():
            row = self._row[server_id]
            self._where[row] = host
            if host is not None:
                self._members[host].add(row)
        for name in self._spans:
            self._respan(name, BEGINNING)

    def place(self, at: float, server_id: str, host: str | None) -> None:
        """From a simulated time on, a server runs on a host, or (None) does not run."""
        row = self._row[server_id]
        old = self._where[row]
        if old == host:
            return
        self._where[row] = host
        if old is not None:
            self._members[old].discard(row)
            self._respan(old, at)
        if host is None:
            self._rerun(row, at, 0.0)
            return
        self._members[host].add(row)
        self._respan(host, at)

    def _respan(self, name: str, at: float) -> None:
        members = np.array(sorted(self._members[name]), dtype=np.intp)
        host = self._host[name]
        peak = self.loads.peak(members)
        factor = min(1.0, max(0.0, host.vcpus - host.base_cores) / peak) if peak else 1.0
        spans = self._spans[name]
        before = float(self._span_use(spans[-1], np.array([at]))[0]) if spans else 0.0
        spans.append(_Span(at, members, factor, before))
        for row in members.tolist():
            self._rerun(row, at, factor)

    def _rerun(self, row: int, at: float, factor: float) -> None:
        runs = self._runs[row]
        if runs[-1].factor == factor:
            return
        if at == BEGINNING:
            runs[-1] = _Run(at, factor, 0.0)
            return
        before = float(self._run_use(row, runs[-1], np.array([at]))[0])
        runs.append(_Run(at, factor, before))
        self._changed.add(row)

    def _span_use(self, span: _Span, times: Floats) -> Floats:
        """CPU-seconds of a host's servers up to times inside the span: float64[times]."""
        grid = np.append(times, span.start)
        total = self.loads.cpu_integral(span.members, grid).sum(axis=0)
        return np.asarray(span.before + span.factor * (total[:-1] - total[-1]))

    def _run_use(self, row: int, run: _Run, times: Floats) -> Floats:
        grid = np.append(times, run.start)
        total = self.loads.cpu_integral(np.array([row], dtype=np.intp), grid)[0]
        return np.asarray(run.before + run.factor * (total[:-1] - total[-1]))

    def host_cpu_seconds(self, name: str, times: Floats) -> Floats:
        """CPU-seconds used on a host since the beginning, its own base load included."""
        used = np.empty_like(times)
        for span, here in self._spans_at(name, times):
            used[here] = self._span_use(span, times[here])
        return used + self._host[name].base_cores * (times - BEGINNING)

    def host_memory_mb(self, name: str, times: Floats) -> Floats:
        """Memory used on a host, its own base included: float64[times], MiB."""
        used = np.empty_like(times)
        for span, here in self._spans_at(name, times):
            used[here] = self.loads.memory(span.members, times[here]).sum(axis=0)
        return np.asarray(used + self._host[name].base_ram_mb)

    def server_cpu_seconds(self, rows: Indices, times: Floats) -> Floats:
        """CPU-seconds used by servers: float64[rows, times]; NaN while a server does not run."""
        grid = np.append(times, BEGINNING)
        total = self.loads.cpu_integral(rows, grid)
        factors = np.array([self._runs[row][0].factor for row in rows.tolist()])
        used = (total[:, :-1] - total[:, -1:]) * factors[:, None]
        used[factors == 0.0] = np.nan
        for place, row in enumerate(rows.tolist()):
            if row in self._changed:
                used[place] = self._changed_cpu(row, times)
        return np.asarray(used)

    def _changed_cpu(self, row: int, times: Floats) -> Floats:
        runs = self._runs[row]
        part = np.searchsorted([r.start for r in runs], times, side="right") - 1
        used = np.full_like(times, np.nan)
        for k in np.unique(part).tolist():
            if runs[max(k, 0)].factor > 0.0:
                here = part == k
                used[here] = self._run_use(row, runs[max(k, 0)], times[here])
        return used

    def server_memory_mb(self, rows: Indices, times: Floats) -> Floats:
        """Resident memory of servers: float64[rows, times], MiB; NaN while one does not run."""
        used = self.loads.memory(rows, times)
        for place, row in enumerate(rows.tolist()):
            runs = self._runs[row]
            part = np.searchsorted([r.start for r in runs], times, side="right") - 1
            off = np.array([runs[max(k, 0)].factor == 0.0 for k in part.tolist()])
            used[place, off] = np.nan
        return used

    def host_cores(self, name: str, times: Floats) -> Floats:
        """Cores in use on a host, its own base included: float64[times]."""
        used = np.empty_like(times)
        for span, here in self._spans_at(name, times):
            used[here] = span.factor * self.loads.cpu(span.members, times[here]).sum(axis=0)
        return used + self._host[name].base_cores

    def server_cache_mb(self, rows: Indices, times: Floats) -> Floats:
        """L3 cache that servers occupy: float64[rows, times], MiB; NaN while one does not run."""
        used = np.full((len(self.servers), len(times)), np.nan)
        for name, host in self._host.items():
            for span, here in self._spans_at(name, times):
                cores = span.factor * self.loads.cpu(span.members, times[here])
                used[np.ix_(span.members, here)] = hardware.cache(host, cores)
        return used[rows]

    def _spans_at(self, name: str, times: Floats) -> Iterator[tuple[_Span, BoolArray]]:
        """The spans of a host that contain some of the times, and which ones: bool[times]."""
        spans = self._spans[name]
        part = np.searchsorted([s.start for s in spans], times, side="right") - 1
        for k in np.unique(part).tolist():
            yield spans[max(k, 0)], part == k

    def host_of(self, server_id: str) -> str | None:
        """Where a server runs at the end of the history."""
        return self._where[self._row[server_id]]
