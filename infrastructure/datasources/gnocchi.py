"""Metrics from Gnocchi, in bulk."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause, Reason
from domain.metrics import catalogue as m
from domain.metrics.catalogue import MetricNeed
from infrastructure.datasources.bulk import BulkSource, Reading, chunks
from infrastructure.datasources.endpoint import ResponseTooLarge
from infrastructure.datasources.gnocchi_api import (
    AggregateQuery,
    ArchivePolicy,
    Bucket,
    GnocchiApi,
    Series,
    Unaggregable,
)
from infrastructure.datasources.measures import unknown

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
_SCALES = {m.HOST_AIRFLOW: 10.0}
_RATE = "rate:mean"
_NS_PER_S = 1e9
_LOOK_BACK = 86400.0
"""Where nothing is found, the newest sample is looked for so far back, s …"""
_LOOKED_AT = 20
"""… of so many hosts or servers."""


@dataclass
class _Unkept:
    """What a need's resources do not keep as it was asked for."""

    silent: int = 0
    substituted: int = 0
    coarse: int = 0


class GnocchiSource(BulkSource):
    """One request per metric for each chunk of the model's hosts or servers.

    The value is over all buckets that overlap the period: the mean weighted by the overlap, or
    the extreme.

    Args:
        api: the API.
        polling: seconds between two samples of a server's CPU counter; None: as wide as a bucket.
        names: metric name → Gnocchi's name, where it is not the usual one.
        clock: epoch seconds.
    """

    name = "gnocchi"

    def __init__(
        self,
        api: GnocchiApi,
        *,
        polling: float | None = None,
        names: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._polling = polling
        self._names = {**NAMES, **(names or {})}
        self._clock = clock

    def _knows(self, metric: str) -> bool:
        return metric in self._names

    def _calls(self) -> int:
        return self._api.asker.calls

    def _probe(self) -> None:
        self._api.probe()

    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        now = self._clock()
        wanted = self._wanted(need, now)
        unkept = _Unkept()
        resources = _originals(model) if need.resource == "host" else _ids(model)
        series = self._all(wanted, [one for ones in resources for one in ones], unkept)
        values = unknown(need, model)
        for index, candidates in enumerate(resources):
            buckets = next((series[one] for one in candidates if series.get(one)), None)
            if buckets:
                values[index] = over_period(self._scaled(need, buckets), need, wanted)
        if need.name == m.INSTANCE_CPU_USAGE:
            values = values / [max(count, 1) for count in model.servers.vcpus.tolist()]
        newest = max((one.start for ones in series.values() for one in ones), default=None)
        age = None if newest is None else max(0.0, now - newest)
        return Reading(values, _notes(need, wanted, unkept), age)

    def _age(self, need: MetricNeed, model: ComputeModel, reading: Reading) -> float | None:
        """At most: samples are younger than the start of their bucket."""
        if reading.age is not None:
            return reading.age
        now = self._clock()
        wanted = self._wanted(replace(need, period=_LOOK_BACK), now)
        resources = _originals(model) if need.resource == "host" else _ids(model)
        some = [one for ones in resources[:_LOOKED_AT] for one in ones]
        series = self._all(wanted, some, _Unkept())
        newest = max((one.start for ones in series.values() for one in ones), default=None)
        return None if newest is None else max(0.0, now - newest)

    def _wanted(self, need: MetricNeed, now: float) -> AggregateQuery:
        aggregate = "mean" if need.aggregate == "count" else need.aggregate
        return AggregateQuery(
            metric=self._names[need.name],
            aggregation=_RATE if need.name == m.INSTANCE_CPU_USAGE else aggregate,
            granularity=need.granularity,
            start=now - need.period,
            stop=now,
            # host metrics are spread over several types of resources
            resource_type="generic" if need.resource == "host" else "instance",
        )

    def _all(self, wanted: AggregateQuery, resources: Sequence[str], unkept: _Unkept) -> Series:
        policies: dict[str, ArchivePolicy] = {}
        found: dict[str, Sequence[Bucket]] = {}
        attribute = _attribute(wanted)
        for part in chunks(resources, self._api.chunk):
            try:
                found.update(self._halving(wanted, part, attribute))
            except Unaggregable:
                policies = policies or dict(self._api.policies(wanted.metric))
                found.update(self._by_policy(wanted, part, policies, unkept))
        return found

    def _halving(self, wanted: AggregateQuery, resources: Sequence[str], attribute: str) -> Series:
        try:
            return self._api.series(wanted, resources, attribute)
        except ResponseTooLarge:
            if len(resources) <= 1:
                raise
        middle = len(resources) // 2
        first = self._halving(wanted, resources[:middle], attribute)
        return {**first, **self._halving(wanted, resources[middle:], attribute)}

    def _by_policy(
        self,
        wanted: AggregateQuery,
        resources: Sequence[str],
        policies: Mapping[str, ArchivePolicy],
        unkept: _Unkept,
    ) -> Series:
        ids: Sequence[str] = resources
        if _attribute(wanted) != "id":
            ids = list(self._api.ids(wanted.resource_type, resources))
        groups: dict[tuple[str, float], list[str]] = defaultdict(list)
        for one in ids:
            if one not in policies:
                continue
            kept = _kept(wanted, policies[one])
            if kept is None:
                unkept.silent += 1
                continue
            unkept.substituted += kept[0] != wanted.aggregation
            unkept.coarse += kept[1] > wanted.stop - wanted.start
            groups[kept].append(one)
        found: dict[str, Sequence[Bucket]] = {}
        for (aggregation, granularity), members in groups.items():
            alike = replace(wanted, aggregation=aggregation, granularity=granularity)
            found.update(self._halving(alike, members, "id"))
        return found

    def _scaled(self, need: MetricNeed, buckets: Sequence[Bucket]) -> Sequence[Bucket]:
        """The buckets in the metric's unit; CPU in % of one core."""
        if need.name != m.INSTANCE_CPU_USAGE:
            scale = _SCALES.get(need.name, 1.0)
            return [replace(one, value=one.value * scale) for one in buckets]
        # a rate is the difference of two samples, not divided by the time between them;
        # it is negative where the counter began anew
        return [
            replace(
                one, value=max(0.0, one.value) * 100 / ((self._polling or one.width) * _NS_PER_S)
            )
            for one in buckets
        ]


def over_period(buckets: Sequence[Bucket], need: MetricNeed, wanted: AggregateQuery) -> float:
    """The value of a period that some buckets overlap."""
    if need.aggregate == "max":
        return max(one.value for one in buckets)
    if need.aggregate == "min":
        return min(one.value for one in buckets)
    shares = [
        max(0.0, min(one.start + one.width, wanted.stop) - max(one.start, wanted.start))
        for one in buckets
    ]
    total = sum(shares)
    if not total:
        return buckets[-1].value
    return sum(one.value * share for one, share in zip(buckets, shares, strict=True)) / total


def _kept(wanted: AggregateQuery, policy: ArchivePolicy) -> tuple[str, float] | None:
    """What a policy keeps that is nearest to what is wanted: aggregation and granularity."""
    finer = [one for one in policy.granularities if one <= wanted.granularity]
    if not policy.granularities:
        return None
    width = max(finer) if finer else min(policy.granularities)
    if wanted.aggregation in policy.aggregations:
        return wanted.aggregation, width
    if wanted.aggregation != _RATE and "mean" in policy.aggregations:
        return "mean", width  # the extreme of the buckets' means
    return None


def _attribute(wanted: AggregateQuery) -> str:
    return "original_resource_id" if wanted.resource_type == "generic" else "id"


def _originals(model: ComputeModel) -> list[tuple[str, ...]]:
    """What the resource of each host may be called, the usual first."""
    hosts = model.hosts
    names = zip(hosts.name, hosts.hypervisor_hostname, strict=True)
    return [tuple(dict.fromkeys((f"{host}_{host}", f"{host}_{node}"))) for host, node in names]


def _ids(model: ComputeModel) -> list[tuple[str, ...]]:
    return [(server,) for server in model.servers.id]


def _notes(need: MetricNeed, wanted: AggregateQuery, unkept: _Unkept) -> tuple[Cause, ...]:
    notes = []
    if unkept.silent:
        what = f"{wanted.aggregation} of {wanted.metric}"
        notes.append(f"{unkept.silent} {need.resource}s keep no {what}")
    if unkept.substituted:
        notes.append(
            f"{unkept.substituted} {need.resource}s keep no {wanted.aggregation} of "
            f"{wanted.metric}: the {need.aggregate} of their means is taken"
        )
    if unkept.coarse:
        notes.append(
            f"{unkept.coarse} {need.resource}s keep {wanted.metric} only in buckets wider than the "
            f"period of {need.period:g} s"
        )
    return tuple(Cause(Reason.METRICS_UNAVAILABLE, {"error": note}) for note in notes)
