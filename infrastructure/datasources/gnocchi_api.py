"""The bulk side of Gnocchi's API: the series of a metric for many resources in one request.

``POST /v1/aggregates`` with a plain ``(metric …)`` operation returns one series per resource that
the search matches. It is all or nothing, though: it fails if one of the resources keeps the metric
by an archive policy without the wanted granularity or aggregation. Then the policies are looked up
once, and resources whose policies agree are asked for together.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import requests

from application.ports.metrics import MetricsUnavailable
from infrastructure.datasources.bulk import chunks
from infrastructure.datasources.endpoint import (
    HttpReader,
    Request,
    ResponseTooLarge,
    json_of,
    words,
)

_GONE = re.compile(r"^Metric .* does not exist")
_SPAN = re.compile(r"(?:(\d+) days?, )?(\d+):(\d+):(\d+(?:\.\d+)?)")
_TOO_LARGE = frozenset(
    {
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class Unaggregable(MetricsUnavailable):
    """The resources do not all keep the metric as it was asked for."""


@dataclass(frozen=True)
class Bucket:
    """A point of a series: the aggregate of the samples from ``start`` on, ``width`` s long."""

    start: float
    width: float
    value: float


Series = Mapping[str, Sequence[Bucket]]
"""Resource id (of generic resources: original resource id) → buckets."""


@dataclass(frozen=True)
class AggregateQuery:
    """What is asked for.

    Attributes:
        metric: Gnocchi's name of it.
        aggregation: as archive policies name it.
        granularity: width of the buckets, s.
        start, stop: epoch seconds.
        resource_type: of the resources.
    """

    metric: str
    aggregation: str
    granularity: float
    start: float
    stop: float
    resource_type: str


@dataclass(frozen=True)
class ArchivePolicy:
    """How a resource keeps a metric.

    Attributes:
        granularities: widths of buckets, s.
        aggregations: names of aggregation methods.
    """

    granularities: frozenset[float]
    aggregations: frozenset[str]


@dataclass
class GnocchiApi:
    """Asks a Gnocchi.

    Attributes:
        asker: whom.
        chunk: so many resources per request.
        page: so many metrics per page of the list.
    """

    asker: HttpReader
    chunk: int = 500
    page: int = 1000
    _nobody: str = field(default="00000000-0000-0000-0000-000000000000", init=False)

    def series(self, wanted: AggregateQuery, resources: Sequence[str], attribute: str) -> Series:
        """The series of some resources. Those that lack the metric are not in it.

        Args:
            wanted: the metric.
            resources: ``id`` or ``original_resource_id`` of each.
            attribute: which of the two.

        Raises:
            Unaggregable: they do not all keep the metric like that.
            ResponseTooLarge: ask for fewer.
            MetricsUnavailable: no usable answer.
        """
        window = {
            "start": f"{wanted.start:.3f}",
            "stop": f"{wanted.stop:.3f}",
            "granularity": f"{wanted.granularity:g}",
            "fill": "null",
            "details": str(wanted.resource_type == "generic").lower(),
        }
        body = {
            "operations": ["metric", wanted.metric, wanted.aggregation],
            "resource_type": wanted.resource_type,
            "search": {"in": {attribute: list(resources)}},
        }
        request = Request("POST", "/v1/aggregates", params=window, document=body)
        response = self.asker.ask(request, said=lambda one: one.status_code in _TOO_LARGE)
        if _lacks_metric(response):
            return {}
        return _series(_success(response), wanted)

    def probe(self) -> None:
        """Finds out whether it answers a question like the real ones, asking once.

        Raises:
            MetricsUnavailable: it does not.
        """
        body = {
            "operations": ["metric", "cpu", "mean"],
            "resource_type": "generic",
            "search": {"in": {"id": [self._nobody]}},
        }
        response = self.asker.ask(Request("POST", "/v1/aggregates", document=body), once=True)
        if not _lacks_metric(response):
            _success(response)

    def ids(self, resource_type: str, originals: Sequence[str]) -> Mapping[str, str]:
        """Resource id → original resource id, of those that exist."""
        found: dict[str, str] = {}
        for part in chunks(originals, self.chunk):
            body = {"in": {"original_resource_id": list(part)}}
            path = f"/v1/search/resource/{resource_type}"
            request = Request("POST", path, params={"limit": str(self.page)}, document=body)
            for item in _list(_success(self.asker.ask(request))):
                found[str(item.get("id"))] = str(item.get("original_resource_id"))
        return found

    def policies(self, metric: str) -> Mapping[str, ArchivePolicy]:
        """Resource id → how it keeps a metric; of all resources that have it."""
        found: dict[str, ArchivePolicy] = {}
        marker: dict[str, str] = {}
        while True:
            params = {"name": metric, "limit": str(self.page), "sort": "id:asc", **marker}
            items = _list(_success(self.asker.ask(Request("GET", "/v1/metric", params=params))))
            for item in items:
                found[str(item.get("resource_id"))] = _policy(item.get("archive_policy"))
            if not items or marker == {"marker": str(items[-1].get("id"))}:
                return found
            marker = {"marker": str(items[-1].get("id"))}


def _lacks_metric(response: requests.Response) -> bool:
    """Whether the answer is that none of the resources has the metric (or that there are none)."""
    if response.status_code != HTTPStatus.NOT_FOUND:
        return False
    return bool(_GONE.match(str(_description(response))))


def _description(response: requests.Response) -> object:
    document = json_of(response)
    return document.get("description") if isinstance(document, dict) else None


def _success(response: requests.Response) -> object:
    if response.status_code in _TOO_LARGE:
        raise ResponseTooLarge(words(response))
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        said = _description(response)
        if isinstance(said, dict):
            cause = said.get("cause")
            if cause in {"Metrics cannot be aggregated", "Metrics can't being aggregated"}:
                raise Unaggregable(f"{cause}: {said.get('reason')}")
            if cause == "Metrics with unknown aggregation":
                raise Unaggregable(str(cause))
        raise MetricsUnavailable(words(response))
    document = json_of(response)
    if document is None:
        raise MetricsUnavailable(f"the answer is no JSON: {words(response)}")
    return document


def _list(document: object) -> list[dict[str, Any]]:
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise MetricsUnavailable(f"expected a list of objects, not {str(document)[:100]}")
    return document


def _series(document: object, wanted: AggregateQuery) -> Series:
    try:
        return _read(document, wanted)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MetricsUnavailable(f"the answer is malformed ({error!r})") from error


def _read(document: Any, wanted: AggregateQuery) -> Series:
    references = document.get("references", ())
    originals = {one["id"]: one["original_resource_id"] for one in references}
    found: dict[str, list[Bucket]] = {}
    for resource, metrics in document["measures"].items():
        points = metrics[wanted.metric][wanted.aggregation]
        buckets = [_bucket(*point) for point in points if point[2] is not None]
        key = originals.get(resource, resource)
        found.setdefault(key, []).extend(one for one in buckets if not math.isnan(one.value))
    return found


def _bucket(start: str, width: float, value: float) -> Bucket:
    return Bucket(datetime.fromisoformat(start).timestamp(), float(width), float(value))


def _policy(document: object) -> ArchivePolicy:
    if not isinstance(document, dict):
        raise MetricsUnavailable("a metric has no archive policy")
    widths = (_seconds(one.get("granularity")) for one in document.get("definition", ()))
    return ArchivePolicy(
        frozenset(width for width in widths if width is not None),
        frozenset(map(str, document.get("aggregation_methods", ()))),
    )


def _seconds(span: object) -> float | None:
    """Seconds of a time span: a number, or a text like ``1 day, 0:05:00``."""
    if isinstance(span, int | float):
        return float(span)
    told = _SPAN.fullmatch(str(span))
    if told is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in told.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
