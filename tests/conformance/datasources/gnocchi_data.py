"""The truth as Ceilometer would have told it to Gnocchi, and how policies keep it.

The server ``some`` is polled each minute and kept by a policy without five-minute buckets; all
else is polled each five minutes and kept in five-minute buckets. No policy keeps extremes of
servers' memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from domain.metrics import catalogue as m
from infrastructure.datasources.gnocchi import NAMES
from tests.conformance.datasources import truth

FIVE_MINUTES = 300
ODD = truth.SERVERS["some"]


@dataclass(frozen=True)
class Kept:
    """How a metric of a resource is kept.

    Attributes:
        policy: name of the archive policy.
        granularities: s.
        aggregations: methods.
        polled: seconds between samples.
    """

    policy: str
    granularities: tuple[int, ...]
    aggregations: tuple[str, ...]
    polled: int


def kept(metric: str, resource: str) -> Kept:
    """How the metric of a resource is kept."""
    extremes = () if metric == m.INSTANCE_RAM_USAGE else ("max", "min")
    rate = ("rate:mean",) if metric == m.INSTANCE_CPU_USAGE else ()
    methods = ("mean", *extremes, *rate)
    name = f"{len(methods)}-methods"
    if resource == ODD:
        return Kept(f"{name}-odd", (60, 3600), methods, 60)
    return Kept(name, (FIVE_MINUTES,), methods, FIVE_MINUTES)


def points(metric: str, resource: str) -> list[tuple[int, float]]:
    """Seconds since the start and value of each sample."""
    step = kept(metric, resource).polled
    if metric == m.INSTANCE_CPU_USAGE:
        return truth.counter(metric, resource, 0.01 * truth.VCPUS * 1e9, step)
    return truth.samples(metric, resource, step)


def original(metric: str, resource: str) -> str:
    """Original id of the resource that has the metric."""
    return f"{resource}_{resource}" if metric.startswith("host_") else resource


def load(session: requests.Session, url: str, start: float) -> None:
    """Tells it to a real Gnocchi."""
    for kind in ("instance", "nova_compute"):
        _post(session, f"{url}/v1/resource_type", {"name": kind, "attributes": {}})
    for one in {kept(metric, resource) for metric, resource in _pairs()}:
        definition = [
            {"granularity": f"{width}s", "timespan": "2 days"} for width in one.granularities
        ]
        policy = {"name": one.policy, "definition": definition, "back_window": 0}
        methods = {"aggregation_methods": list(one.aggregations)}
        _post(session, f"{url}/v1/archive_policy", {**policy, **methods})
    resources: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    measures: dict[str, dict[str, list[dict[str, object]]]] = {}
    for metric, resource in _pairs():
        kind = "nova_compute" if metric.startswith("host_") else "instance"
        identity, name = original(metric, resource), NAMES[metric]
        policy_name = {"archive_policy_name": kept(metric, resource).policy}
        resources.setdefault((kind, identity), {})[name] = policy_name
        measures.setdefault(identity, {})[name] = [
            {"timestamp": datetime.fromtimestamp(start + at, UTC).isoformat(), "value": value}
            for at, value in points(metric, resource)
        ]
    for (kind, identity), metrics in resources.items():
        _post(session, f"{url}/v1/resource/{kind}", {"id": identity, "metrics": metrics})
    _post(session, f"{url}/v1/batch/resources/metrics/measures", measures)


def _pairs() -> Iterator[tuple[str, str]]:
    return ((metric, resource) for metric, told in truth.TRUTH.items() for resource in told)


def _post(session: requests.Session, url: str, document: object) -> None:
    response = session.post(url, json=document, timeout=60)
    if not response.ok:
        raise RuntimeError(f"{url}: {response.status_code} {response.text}")
