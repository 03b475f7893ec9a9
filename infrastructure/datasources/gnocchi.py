"""Metrics from Gnocchi, in bulk."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause
from domain.metrics import catalogue as m
from domain.metrics.catalogue import METRICS_UNAVAILABLE, MetricNeed
from infrastructure.datasources.bulk import BulkSource, Reading, chunks, read_in_parts
from infrastructure.datasources.gnocchi_api import (
    AggregateQuery,
    ArchivePolicy,
    Bucket,
    GnocchiApi,
    Series,
    Unaggregable,
)
from infrastructure.datasources.measures import MEASURES, unknown
from infrastructure.datasources.metric_map import Names, overridden
from infrastructure.datasources.units import PERCENT_OF_A_SECOND, RawMetric

NAMES: Mapping[str, str] = {
    m.HOST_CPU_USAGE: "compute.node.cpu.percent",
    m.HOST_RAM_USAGE: "hardware.memory.used",
    m.HOST_OUTLET_TEMP: "hardware.ipmi.node.outlet_temperature",
    m.HOST_INLET_TEMP: "hardware.ipmi.node.temperature",
    m.HOST_AIRFLOW: "hardware.ipmi.node.airflow",
    m.HOST_POWER: "hardware.ipmi.node.power",
    m.INSTANCE_CPU_USAGE: "cpu",
    m.INSTANCE_RAM_USAGE: "memory.resident",
    m.INSTANCE_RAM_ALLOCATED: "memory",
    m.INSTANCE_L3_CACHE_USAGE: "cpu_l3_cache",
    m.INSTANCE_ROOT_DISK_SIZE: "disk.root.size",
}
"""Metric name → Gnocchi's."""
_UNITS: Mapping[str, str] = {m.INSTANCE_CPU_USAGE: "ns", m.HOST_AIRFLOW: "CFM"}
"""Units of Gnocchi's metrics, where they are not those of the metrics."""
_RATE = "rate:mean"
_AGE_PERIOD = 86400.0
"""Seconds in which the newest sample is searched, if the period of the need has none …"""
_AGE_RESOURCES = 20
"""… of so many hosts or servers."""


@dataclass
class _Deviations:
    """Numbers of resources whose archive policy does not fit the query.

    Attributes:
        silent: without a usable aggregation.
        substituted: with the mean instead of the aggregation.
        coarse: with buckets wider than the period.
    """

    silent: int = 0
    substituted: int = 0
    coarse: int = 0


class GnocchiSource(BulkSource):
    """One request per metric for each chunk of the model's hosts or servers.

    The value is over all buckets that overlap the period: the mean weighted by the overlap, or
    the extreme.

    Args:
        api: the API.
        polling: seconds between two samples of a server's CPU counter; None: the width of a bucket.
        names: the operator's names of metrics, where they are not the defaults.
        clock: epoch seconds.
    """

    name = "gnocchi"

    def __init__(
        self,
        api: GnocchiApi,
        *,
        polling: float | None = None,
        names: Names | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._polling = polling
        raw = {
            metric: RawMetric(name, _UNITS.get(metric, MEASURES[metric].unit))
            for metric, name in NAMES.items()
        }
        self._raw = overridden(raw, names or {}, self.name)
        self._clock = clock

    def _has_mapping(self, metric: str) -> bool:
        return metric in self._raw

    def _calls(self) -> int:
        return self._api.reader.calls

    def _probe(self) -> None:
        self._api.probe()

    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        now = self._clock()
        query = self._query(need, now)
        deviations = _Deviations()
        resources = _originals(model) if need.resource == "host" else _ids(model)
        series = self._series(query, [one for ones in resources for one in ones], deviations)
        values = unknown(need, model)
        for index, candidates in enumerate(resources):
            buckets = next((series[one] for one in candidates if series.get(one)), None)
            if buckets:
                values[index] = over_period(self._scaled(need, buckets), need, query)
        if need.name == m.INSTANCE_CPU_USAGE:
            values = values / [max(count, 1) for count in model.servers.vcpus.tolist()]
        return Reading(values, _notes(need, query, deviations), _age(series, now))

    def _age(self, need: MetricNeed, model: ComputeModel, reading: Reading) -> float | None:
        """An upper bound: samples are younger than the start of their bucket."""
        if reading.age is not None:
            return reading.age
        now = self._clock()
        query = self._query(replace(need, period=_AGE_PERIOD), now)
        resources = _originals(model) if need.resource == "host" else _ids(model)
        some = [one for ones in resources[:_AGE_RESOURCES] for one in ones]
        series = self._series(query, some, _Deviations())
        return _age(series, now)

    def _query(self, need: MetricNeed, now: float) -> AggregateQuery:
        aggregate = "mean" if need.aggregate == "count" else need.aggregate
        return AggregateQuery(
            metric=self._raw[need.name].name,
            aggregation=_RATE if need.name == m.INSTANCE_CPU_USAGE else aggregate,
            granularity=need.granularity,
            start=now - need.period,
            stop=now,
            # host metrics are spread over several types of resources
            resource_type="generic" if need.resource == "host" else "instance",
        )

    def _series(
        self, query: AggregateQuery, resources: Sequence[str], deviations: _Deviations
    ) -> Series:
        policies: dict[str, ArchivePolicy] = {}
        found: dict[str, Sequence[Bucket]] = {}
        attribute = _attribute(query)
        for part in chunks(resources, self._api.chunk):
            try:
                found.update(self._parts(query, part, attribute))
            except Unaggregable:
                policies = policies or dict(self._api.policies(query.metric))
                found.update(self._by_policy(query, part, policies, deviations))
        return found

    def _parts(self, query: AggregateQuery, resources: Sequence[str], attribute: str) -> Series:
        return read_in_parts(resources, lambda part: self._api.series(query, part, attribute))

    def _by_policy(
        self,
        query: AggregateQuery,
        resources: Sequence[str],
        policies: Mapping[str, ArchivePolicy],
        deviations: _Deviations,
    ) -> Series:
        ids: Sequence[str] = resources
        if _attribute(query) != "id":
            ids = list(self._api.ids(query.resource_type, resources))
        groups: dict[tuple[str, float], list[str]] = defaultdict(list)
        for one in ids:
            if one not in policies:
                continue
            nearest = _nearest(query, policies[one])
            if nearest is None:
                deviations.silent += 1
                continue
            deviations.substituted += nearest[0] != query.aggregation
            deviations.coarse += nearest[1] > query.stop - query.start
            groups[nearest].append(one)
        found: dict[str, Sequence[Bucket]] = {}
        for (aggregation, granularity), members in groups.items():
            alike = replace(query, aggregation=aggregation, granularity=granularity)
            found.update(self._parts(alike, members, "id"))
        return found

    def _scaled(self, need: MetricNeed, buckets: Sequence[Bucket]) -> Sequence[Bucket]:
        """The buckets in the metric's unit; CPU in % of one core."""
        raw = self._raw[need.name]
        if need.name != m.INSTANCE_CPU_USAGE:
            scale = raw.factor(MEASURES[need.name].unit)
            return [replace(one, value=one.value * scale) for one in buckets]
        percent = raw.factor(PERCENT_OF_A_SECOND)
        # a rate is the difference of two samples, not divided by the time between them;
        # it is negative where the counter was reset
        return [
            replace(one, value=max(0.0, one.value) * percent / (self._polling or one.width))
            for one in buckets
        ]


def _age(series: Series, now: float) -> float | None:
    """Seconds since the start of the newest bucket."""
    newest = max((one.start for ones in series.values() for one in ones), default=None)
    return None if newest is None else max(0.0, now - newest)


def over_period(buckets: Sequence[Bucket], need: MetricNeed, query: AggregateQuery) -> float:
    """The value of a period, from the buckets that overlap it."""
    if need.aggregate == "max":
        return max(one.value for one in buckets)
    if need.aggregate == "min":
        return min(one.value for one in buckets)
    shares = [
        max(0.0, min(one.start + one.width, query.stop) - max(one.start, query.start))
        for one in buckets
    ]
    total = sum(shares)
    if not total:
        return buckets[-1].value
    return sum(one.value * share for one, share in zip(buckets, shares, strict=True)) / total


def _nearest(query: AggregateQuery, policy: ArchivePolicy) -> tuple[str, float] | None:
    """The aggregation and granularity of a policy that are nearest to those of a query."""
    finer = [one for one in policy.granularities if one <= query.granularity]
    if not policy.granularities:
        return None
    width = max(finer) if finer else min(policy.granularities)
    if query.aggregation in policy.aggregations:
        return query.aggregation, width
    if query.aggregation != _RATE and "mean" in policy.aggregations:
        return "mean", width  # the extreme of the buckets' means
    return None


def _attribute(query: AggregateQuery) -> str:
    return "original_resource_id" if query.resource_type == "generic" else "id"


def _originals(model: ComputeModel) -> list[tuple[str, ...]]:
    """The possible ids of each host's resource, the most common first."""
    hosts = model.hosts
    names = zip(hosts.name, hosts.hypervisor_hostname, strict=True)
    return [tuple(dict.fromkeys((f"{host}_{host}", f"{host}_{node}"))) for host, node in names]


def _ids(model: ComputeModel) -> list[tuple[str, ...]]:
    return [(server,) for server in model.servers.id]


def _notes(need: MetricNeed, query: AggregateQuery, deviations: _Deviations) -> tuple[Cause, ...]:
    notes = []
    if deviations.silent:
        what = f"{query.aggregation} of {query.metric}"
        notes.append(f"{deviations.silent} {need.resource}s keep no {what}")
    if deviations.substituted:
        notes.append(
            f"{deviations.substituted} {need.resource}s keep no {query.aggregation} of "
            f"{query.metric}: the {need.aggregate} of their means is taken"
        )
    if deviations.coarse:
        notes.append(
            f"{deviations.coarse} {need.resource}s keep {query.metric} only in buckets wider than "
            f"the period of {need.period:g} s"
        )
    return tuple(Cause(METRICS_UNAVAILABLE, {"error": note}) for note in notes)
