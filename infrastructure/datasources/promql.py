"""The metrics as PromQL: one query for all hosts or all servers.

The aggregate is over *time*. Across the cores of a host it is always the mean: the need is for the
usage of the host, not of its busiest core.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from domain.metrics.catalogue import (
    HOST_AIRFLOW,
    HOST_CPU_USAGE,
    HOST_INLET_TEMP,
    HOST_OUTLET_TEMP,
    HOST_POWER,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_L3_CACHE_USAGE,
    INSTANCE_RAM_USAGE,
    MetricNeed,
)
from infrastructure.datasources.units import PERCENT_OF_A_SECOND, RawMetric

_OVER_TIME = {
    "mean": "avg_over_time",
    "count": "avg_over_time",  # as OpenStack Watcher does
    "max": "max_over_time",
    "min": "min_over_time",
}

_EXTREMES = frozenset({"max", "min"})
_STEPS = 30
_SHORTEST_STEP = 15.0
"""Steps of the subquery that finds the start of a server's counter, and the shortest step, s."""
_FINE_STEPS = 120
_SHORTEST_FINE_STEP = 5.0
"""The same of the subquery that finds how long the counter of a host's first CPU exists."""


@dataclass(frozen=True)
class Labels:
    """Names of labels.

    Attributes:
        host: holds a compute host's name.
        server: holds a server's uuid.
    """

    host: str = "fqdn"
    server: str = "resource"


@dataclass(frozen=True)
class MetricQuery:
    """The query for a metric.

    Attributes:
        label: holds the host's name or the server's uuid.
        series: the raw series, with matchers of its own if it has some; for its age.
        text: builds the query for a need and further label matchers.
        scale: factor from a value to the metric's unit.
    """

    label: str
    series: str
    text: Callable[[MetricNeed, str], str]
    scale: float


def _sensor(series: str, names: str, unit: str) -> RawMetric:
    """The sensors of ipmi_exporter that have one of some words in their names, in any case."""
    return RawMetric(f'ipmi_{series}{{name=~"(?i).*({names}).*"}}', unit)


SERIES: Mapping[str, RawMetric] = {
    HOST_CPU_USAGE: RawMetric("node_cpu_seconds_total", "s"),
    HOST_RAM_USAGE: RawMetric("node_memory_MemAvailable_bytes", "bytes"),
    INSTANCE_CPU_USAGE: RawMetric("ceilometer_cpu", "ns"),
    INSTANCE_RAM_USAGE: RawMetric("ceilometer_memory_usage", "MB"),
    INSTANCE_L3_CACHE_USAGE: RawMetric("ceilometer_cpu_l3_cache", "bytes"),
    HOST_OUTLET_TEMP: _sensor("temperature_celsius", "outlet|exhaust|exit air", "°C"),
    HOST_INLET_TEMP: _sensor("temperature_celsius", "inlet|ambient", "°C"),
    HOST_AIRFLOW: _sensor("sensor_value", "air ?flow", "CFM"),
    HOST_POWER: RawMetric("ipmi_dcmi_power_consumption_watts", "W"),
}
"""Metric name → raw series that it is computed from: a name, or a selector with matchers.

Vendors name their sensors.
"""


def mapping(labels: Labels, raw: Mapping[str, RawMetric]) -> Mapping[str, MetricQuery]:
    """Metric name → its query.

    Args:
        labels: names of labels.
        raw: metric name → raw series, for each metric of ``SERIES``.
    """
    host, server = labels.host, labels.server

    def host_cpu(need: MetricNeed, matchers: str) -> str:
        idle = _selector(raw[HOST_CPU_USAGE].name, 'mode="idle"', matchers)
        first = _selector(raw[HOST_CPU_USAGE].name, 'mode="idle",cpu=~"0?"', matchers)
        cores = _times(raw[HOST_CPU_USAGE].factor("s"))

        def used(width: float) -> str:
            rate = f"avg by ({host}) (rate({idle}[{_seconds(width)}]))"
            share = f"max by ({host}) ({_present(first, width)})"
            return f"1 - ({rate} / {share} or {rate}){cores}"

        return _rated(need, used)

    def host_ram(need: MetricNeed, matchers: str) -> str:
        total = _selector("node_memory_MemTotal_bytes", matchers)
        available = _selector(raw[HOST_RAM_USAGE].name, matchers)
        # the largest usage is the smallest available memory
        opposite = {"max": "min_over_time", "min": "max_over_time"}
        over = opposite.get(need.aggregate, _OVER_TIME[need.aggregate])
        size = _times(raw[HOST_RAM_USAGE].factor("bytes"))
        free = f"min by ({host}) ({over}({available}[{_seconds(need.period)}])){size}"
        return f"max by ({host}) ({total}) - {free}"

    def server_cpu(need: MetricNeed, matchers: str) -> str:
        spent = _selector(raw[INSTANCE_CPU_USAGE].name, matchers)

        def used(width: float) -> str:
            # a migrated server has a series per host, and two agents may report one: no sum
            rate = f"rate({spent}[{_seconds(width)}])"
            return f"max by ({server}) ({rate} / {_since_start(spent, width)})"

        return _rated(need, used)

    def gauge(need: MetricNeed, matchers: str) -> str:
        label = server if need.resource == "server" else host
        over, used = _OVER_TIME[need.aggregate], _selector(raw[need.name].name, matchers)
        return f"max by ({label}) ({over}({used}[{_seconds(need.period)}]))"

    percent = PERCENT_OF_A_SECOND
    texts: Mapping[str, tuple[str, Callable[[MetricNeed, str], str], float]] = {
        HOST_CPU_USAGE: (host, host_cpu, 100.0),
        HOST_RAM_USAGE: (host, host_ram, 1 / 1024),
        INSTANCE_CPU_USAGE: (server, server_cpu, raw[INSTANCE_CPU_USAGE].factor(percent)),
        INSTANCE_RAM_USAGE: (server, gauge, raw[INSTANCE_RAM_USAGE].factor("MB")),
        INSTANCE_L3_CACHE_USAGE: (server, gauge, raw[INSTANCE_L3_CACHE_USAGE].factor("bytes")),
        HOST_OUTLET_TEMP: (host, gauge, 1.0),
        HOST_INLET_TEMP: (host, gauge, 1.0),
        HOST_AIRFLOW: (host, gauge, raw[HOST_AIRFLOW].factor("0.1 CFM")),
        HOST_POWER: (host, gauge, raw[HOST_POWER].factor("W")),
    }
    return {
        name: MetricQuery(label, raw[name].name, text, scale)
        for name, (label, text, scale) in texts.items()
    }


def age_of(series: str) -> str:
    """Seconds since the newest sample of a series."""
    return f"time() - max(timestamp({series}))"


def age_within_a_day(series: str) -> str:
    """The same, of a series without samples in Prometheus' lookback period."""
    return f"time() - max(max_over_time(timestamp({series})[1d:5m]))"


def only(label: str, alternatives: Collection[str]) -> str:
    """A matcher for series whose label is one of some regular expressions."""
    return f'{label}=~"{"|".join(alternatives)}"'


def literally(text: str) -> str:
    """A regular expression that matches a text, as it is written between quotes in PromQL.

    PromQL unescapes a backslash; what could end the string, or a set of characters, is a code.
    """
    return re.sub(r"[^\w\-]", _literal, text)


def _literal(found: re.Match[str]) -> str:
    character = found[0]
    unsafe = character in '"\\^[]' or not character.isprintable()
    return f"\\\\x{{{ord(character):x}}}" if unsafe else f"[{character}]"


def _rated(need: MetricNeed, expression: Callable[[float], str]) -> str:
    """An expression over rates: rate over the whole period, or the extreme of shorter ones."""
    width = min(need.granularity, need.period)
    if need.aggregate not in _EXTREMES or width >= need.period:
        return expression(need.period)
    over = _OVER_TIME[need.aggregate]
    return f"{over}(({expression(width)})[{_seconds(need.period)}:{_seconds(width)}])"


def _since_start(series: str, period: float) -> str:
    """The share of a period since a counter started."""
    step = round(max(period / _STEPS, _SHORTEST_STEP))
    first = f"min_over_time(timestamp({series})[{_seconds(period)}:{step}s])"
    return _share(f"(time() - {first})", series, period, step)


def _present(series: str, period: float) -> str:
    """The share of a period in which a counter exists; a host may be away for a part of it."""
    step = round(max(period / _FINE_STEPS, _SHORTEST_FINE_STEP))
    time = f"count_over_time(({series})[{_seconds(period)}:{step}s]) * {step}"
    return _share(time, series, period, step)


def _share(time: str, series: str, period: float, step: int) -> str:
    """The share of a period that a time is, 1 if it is nearly the whole.

    ``rate`` divides by the whole period, even if the counter of a new or migrated server, or of a
    new host, started within it. Of the time before the first sample, 1.1 intervals count as
    observed, as in Prometheus' own extrapolation, plus one step of the subquery: the share is
    rather too large than too small, so no server looks busier than it is, and no host less busy.
    """
    before = f"(1 + 1.1 / (count_over_time({series}[{_seconds(period)}]) - 1))"
    return f"clamp_max(({time} * {before} + {step}) / {max(round(period), 1)}, 1)"


def _selector(series: str, *matchers: str) -> str:
    name, _, own = series.partition("{")
    inside = ",".join(one for one in (own.strip().removesuffix("}"), *matchers) if one)
    return f"{name}{{{inside}}}" if inside else name


def _times(factor: float) -> str:
    return "" if factor == 1 else f" * {factor!r}"


def _seconds(duration: float) -> str:
    return f"{max(round(duration), 1)}s"
