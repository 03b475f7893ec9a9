"""The simulated series: what exporters on hosts and server telemetry report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from infrastructure.simulator.core import hardware
from infrastructure.simulator.core.model import Host, Server
from infrastructure.simulator.core.timeline import BEGINNING, Timeline
from infrastructure.simulator.core.workload import Floats
from infrastructure.simulator.prometheus.promql.syntax import Matcher

Labels = dict[str, str]
MIB = 1024.0 * 1024.0
NANOSECONDS = 1e9
EXPORTER_PORT, IPMI_PORT = 9100, 9290
Sensor = Callable[[Host, Floats], Floats]
"""Host, its cores in use → values at these times."""


@dataclass(frozen=True)
class Series:
    """Some series of one name.

    Attributes:
        labels: of each series, without the name.
        sample: simulated times (s) → float64[series, times]; NaN where there is no sample.
    """

    labels: Sequence[Labels]
    sample: Callable[[Floats], Floats]


class SeriesCatalogue:
    """All series, as functions of simulated time.

    One ``node_cpu_seconds_total`` series per host and mode stands for the mean of its CPUs.
    """

    def __init__(
        self, hosts: Sequence[Host], servers: Sequence[Server], timeline: Timeline
    ) -> None:
        self._hosts = [host for host in hosts if host.alive]
        self._servers = servers
        self._timeline = timeline
        self._families: dict[str, Callable[[Sequence[Matcher]], Series]] = {
            "up": self._up,
            "node_cpu_seconds_total": self._node_cpu,
            "node_memory_MemTotal_bytes": self._memory_total,
            "node_memory_MemAvailable_bytes": self._memory_available,
            "ceilometer_cpu": self._server_cpu,
            "ceilometer_memory_usage": self._server_memory,
            "ceilometer_cpu_l3_cache": self._server_cache,
            "ipmi_temperature_celsius": self._temperatures,
            "ipmi_sensor_value": self._airflow,
            "ipmi_dcmi_power_consumption_watts": self._power,
        }

    @property
    def names(self) -> list[str]:
        """Names of all series, sorted."""
        return sorted(self._families)

    def select(self, name: str, matchers: Sequence[Matcher]) -> Series:
        """The series of a name whose labels match; none if there is no such name."""
        named = [m for m in matchers if m.label == "__name__"]
        others = [m for m in matchers if m.label != "__name__"]
        if not name and named:
            chosen = [n for n in self.names if all(m.accepts({"__name__": n}) for m in named)]
            if len(chosen) != 1:
                return Series([], lambda times: np.empty((0, len(times))))
            name = chosen[0]
        family = self._families.get(name)
        if family is None:
            return Series([], lambda times: np.empty((0, len(times))))
        return family(others)

    def targets(self) -> list[Labels]:
        """Labels of every exporter that is scraped."""
        return [*map(_exporter, self._hosts), *map(_ipmi, self._hosts)]

    def _matching(
        self,
        matchers: Sequence[Matcher],
        extra: Labels | None = None,
        exporter: Callable[[Host], Labels] | None = None,
    ) -> tuple[list[Host], list[Labels]]:
        shown = exporter or _exporter
        pairs = [(host, {**shown(host), **(extra or {})}) for host in self._hosts]
        kept = [(h, labels) for h, labels in pairs if all(m.accepts(labels) for m in matchers)]
        return [host for host, _ in kept], [labels for _, labels in kept]

    def _up(self, matchers: Sequence[Matcher]) -> Series:
        shown = [one for one in self.targets() if all(m.accepts(one) for m in matchers)]
        return Series(shown, lambda times: np.ones((len(shown), len(times))))

    def _node_cpu(self, matchers: Sequence[Matcher]) -> Series:
        idle = self._matching(matchers, {"mode": "idle", "cpu": "0"})
        user = self._matching(matchers, {"mode": "user", "cpu": "0"})

        def sample(times: Floats) -> Floats:
            rows = [times - BEGINNING - self._busy(host, times) for host in idle[0]]
            rows += [self._busy(host, times) for host in user[0]]
            return np.array(rows).reshape(len(rows), len(times))

        return Series([*idle[1], *user[1]], sample)

    def _busy(self, host: Host, times: Floats) -> Floats:
        used = self._timeline.host_cpu_seconds(host.name, times)
        return np.asarray(np.minimum(used / host.vcpus, times - BEGINNING))

    def _memory_total(self, matchers: Sequence[Matcher]) -> Series:
        hosts, labels = self._matching(matchers)
        totals = np.array([host.ram_mb * MIB for host in hosts]).reshape(-1, 1)
        return Series(labels, lambda times: np.repeat(totals, len(times), axis=1))

    def _memory_available(self, matchers: Sequence[Matcher]) -> Series:
        hosts, labels = self._matching(matchers)

        def sample(times: Floats) -> Floats:
            rows = [
                np.maximum(host.ram_mb - self._timeline.host_memory_mb(host.name, times), 0.0)
                for host in hosts
            ]
            return np.array(rows).reshape(len(rows), len(times)) * MIB

        return Series(labels, sample)

    def _server_cpu(self, matchers: Sequence[Matcher]) -> Series:
        rows, labels = self._matching_servers(matchers)
        return Series(
            labels, lambda times: self._timeline.server_cpu_seconds(rows, times) * NANOSECONDS
        )

    def _server_memory(self, matchers: Sequence[Matcher]) -> Series:
        rows, labels = self._matching_servers(matchers)
        return Series(labels, lambda times: self._timeline.server_memory_mb(rows, times))

    def _server_cache(self, matchers: Sequence[Matcher]) -> Series:
        rows, labels = self._matching_servers(matchers)
        return Series(labels, lambda times: self._timeline.server_cache_mb(rows, times) * MIB)

    def _temperatures(self, matchers: Sequence[Matcher]) -> Series:
        def inlet(host: Host, cores: Floats) -> Floats:
            return np.full_like(cores, hardware.inlet(host))

        return self._sensors(matchers, {"Inlet Temp": inlet, "Exhaust Temp": hardware.outlet})

    def _airflow(self, matchers: Sequence[Matcher]) -> Series:
        return self._sensors(matchers, {"System Airflow": hardware.airflow})

    def _power(self, matchers: Sequence[Matcher]) -> Series:
        return self._sensors(matchers, {"": hardware.power})

    def _sensors(self, matchers: Sequence[Matcher], sensors: Mapping[str, Sensor]) -> Series:
        """The series of sensors by name; "" for a series without a name."""
        labels: list[Labels] = []
        values: list[tuple[Host, Sensor]] = []
        for name, sensor in sensors.items():
            hosts, shown = self._matching(matchers, {"name": name} if name else None, _ipmi)
            labels += shown
            values += [(host, sensor) for host in hosts]

        def sample(times: Floats) -> Floats:
            rows = [sensor(h, self._timeline.host_cores(h.name, times)) for h, sensor in values]
            return np.array(rows).reshape(len(rows), len(times))

        return Series(labels, sample)

    def _matching_servers(
        self, matchers: Sequence[Matcher]
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], list[Labels]]:
        rows: list[int] = []
        labels: list[Labels] = []
        for row, server in enumerate(self._servers):
            one = {
                "resource": server.id,
                "project": server.project_id,
                "resource_name": server.name,
            }
            if not server.deleted and all(m.accepts(one) for m in matchers):
                rows.append(row)
                labels.append(one)
        return np.array(rows, dtype=np.intp), labels


def _exporter(host: Host) -> Labels:
    return {"fqdn": host.name, "instance": f"{host.name}:{EXPORTER_PORT}", "job": "node"}


def _ipmi(host: Host) -> Labels:
    return {"fqdn": host.name, "instance": f"{host.name}:{IPMI_PORT}", "job": "ipmi"}
