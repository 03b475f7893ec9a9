"""Gnocchi's aggregates API: the series of a metric for many resources in one request.

``POST /v1/aggregates`` with a plain ``(metric …)`` operation returns one series per resource that
the search matches. It fails if the archive policy of one of the resources lacks the requested
granularity or aggregation. Then the policies are read once, and the resources are requested in
groups with the same policy.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    summary,
)

_GONE = re.compile(r"^Metric .* does not exist")
_NO_RESOURCE = "00000000-0000-0000-0000-000000000000"
_SPAN = re.compile(r"(?:(\d+) days?, )?(\d+):(\d+):(\d+(?:\.\d+)?)")
_TOO_LARGE = frozenset(
    {
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class Unaggregable(MetricsUnavailable):
    """The archive policies of some resources lack the requested granularity or aggregation."""


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
    """A query for the series of a metric.

    Attributes:
        metric: Gnocchi's name of the metric.
        aggregation: Gnocchi's aggregation method.
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
    """The granularities and aggregations that are stored of a metric.

    Attributes:
        granularities: widths of buckets, s.
        aggregations: names of aggregation methods.
    """

    granularities: frozenset[float]
    aggregations: frozenset[str]


@dataclass
class GnocchiApi:
    """Sends requests to Gnocchi.

    Attributes:
        reader: sends the requests.
        chunk: resources per request.
        page: metrics per page of a list.
    """

    reader: HttpReader
    chunk: int = 500
    page: int = 1000

    def series(self, query: AggregateQuery, resources: Sequence[str], attribute: str) -> Series:
        """The series of some resources. Those that lack the metric are not in it.

        Args:
            query: the metric and the period.
            resources: ``id`` or ``original_resource_id`` of each.
            attribute: which of the two.

        Raises:
            Unaggregable: the archive policies of some resources do not fit the query.
            ResponseTooLarge: request fewer.
            MetricsUnavailable: no usable response.
        """
        window = {
            "start": f"{query.start:.3f}",
            "stop": f"{query.stop:.3f}",
            "granularity": f"{query.granularity:g}",
            "fill": "null",
            "details": str(query.resource_type == "generic").lower(),
        }
        body = {
            "operations": ["metric", query.metric, query.aggregation],
            "resource_type": query.resource_type,
            "search": {"in": {attribute: list(resources)}},
        }
        request = Request("POST", "/v1/aggregates", params=window, document=body)
        response = self.reader.send(request, is_final=lambda one: one.status_code in _TOO_LARGE)
        if _lacks_metric(response):
            return {}
        return _series(_success(response), query)

    def probe(self) -> None:
        """Sends a request for the metric of no resource, once.

        Raises:
            MetricsUnavailable: Gnocchi does not respond as expected.
        """
        body = {
            "operations": ["metric", "cpu", "mean"],
            "resource_type": "generic",
            "search": {"in": {"id": [_NO_RESOURCE]}},
        }
        response = self.reader.send(Request("POST", "/v1/aggregates", document=body), once=True)
        if not _lacks_metric(response):
            _success(response)

    def ids(self, resource_type: str, originals: Sequence[str]) -> Mapping[str, str]:
        """Resource id → original resource id, of those that exist."""
        found: dict[str, str] = {}
        for part in chunks(originals, self.chunk):
            body = {"in": {"original_resource_id": list(part)}}
            path = f"/v1/search/resource/{resource_type}"
            request = Request("POST", path, params={"limit": str(self.page)}, document=body)
            for item in _list(_success(self.reader.send(request))):
                found[str(item.get("id"))] = str(item.get("original_resource_id"))
        return found

    def policies(self, metric: str) -> Mapping[str, ArchivePolicy]:
        """Resource id → archive policy of a metric, of all resources that have it."""
        found: dict[str, ArchivePolicy] = {}
        marker: dict[str, str] = {}
        while True:
            params = {"name": metric, "limit": str(self.page), "sort": "id:asc", **marker}
            items = _list(_success(self.reader.send(Request("GET", "/v1/metric", params=params))))
            for item in items:
                found[str(item.get("resource_id"))] = _policy(item.get("archive_policy"))
            if not items or marker == {"marker": str(items[-1].get("id"))}:
                return found
            marker = {"marker": str(items[-1].get("id"))}


def _lacks_metric(response: requests.Response) -> bool:
    """Whether none of the resources has the metric (or none exists)."""
    if response.status_code != HTTPStatus.NOT_FOUND:
        return False
    return bool(_GONE.match(str(_description(response))))


def _description(response: requests.Response) -> object:
    document = json_of(response)
    return document.get("description") if isinstance(document, dict) else None


def _success(response: requests.Response) -> object:
    if response.status_code in _TOO_LARGE:
        raise ResponseTooLarge(summary(response))
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        description = _description(response)
        if isinstance(description, dict):
            cause = description.get("cause")
            if cause in {"Metrics cannot be aggregated", "Metrics can't being aggregated"}:
                raise Unaggregable(f"{cause}: {description.get('reason')}")
            if cause == "Metrics with unknown aggregation":
                raise Unaggregable(str(cause))
        raise MetricsUnavailable(summary(response))
    document = json_of(response)
    if document is None:
        raise MetricsUnavailable(f"the response is not JSON: {summary(response)}")
    return document


def _list(document: object) -> list[dict[str, Any]]:
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise MetricsUnavailable(f"expected a list of objects, not {str(document)[:100]}")
    return document


def _series(document: object, query: AggregateQuery) -> Series:
    try:
        return _read(document, query)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MetricsUnavailable(f"the response is malformed ({error!r})") from error


def _read(document: Any, query: AggregateQuery) -> Series:
    references = document.get("references", ())
    originals = {one["id"]: one["original_resource_id"] for one in references}
    found: dict[str, list[Bucket]] = {}
    for resource, metrics in document["measures"].items():
        points = metrics[query.metric][query.aggregation]
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
    parts = _SPAN.fullmatch(str(span))
    if parts is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
