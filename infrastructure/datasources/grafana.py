"""Metrics from InfluxDB through Grafana's proxy, in bulk."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np

from application.ports.metrics import MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import BAD_VALUE
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed
from infrastructure.datasources.bulk import (
    BulkSource,
    Reading,
    ambiguous,
    chunks,
    incomplete,
    read_in_parts,
)
from infrastructure.datasources.endpoint import (
    METHOD_REFUSED,
    TOO_LARGE,
    HttpReader,
    Request,
    ResponseTooLarge,
    json_of,
    summary,
)
from infrastructure.datasources.influxql import Template, TemplateValues, retention, safe
from infrastructure.datasources.measures import MEASURES, some_of, unknown

TRANSLATORS = ("influxdb",)
_URL_LIMIT = 3000
"""Longer queries are posted."""
_NAMES_GROUPED = 1000
"""Names per request, in one statement grouped by a tag …"""
_NAMES_SINGLE = 100
"""… and in one statement per name."""
_LIMITS = ("max-select", "too many", "exceeded")
RETENTIONS: Mapping[str, int] = {
    "one_week": 604_800,
    "one_month": 2_592_000,
    "five_years": 31_556_952,
}

_ATTRIBUTES: Mapping[str, Mapping[str, Callable[[ComputeModel], Sequence[str]]]] = {
    "host": {
        "hostname": lambda model: model.hosts.name,
        "uuid": lambda model: model.hosts.id,
        "hypervisor_hostname": lambda model: model.hosts.hypervisor_hostname,
    },
    "server": {"uuid": lambda model: model.servers.id, "name": lambda model: model.servers.name},
}
_DEFAULT_ATTRIBUTE = {"host": "hostname", "server": "uuid"}


@dataclass(frozen=True)
class Panel:
    """The query for a metric.

    Attributes:
        project: number of the data source in Grafana.
        database: of InfluxDB.
        template: of the query.
        attribute: of a host or server, for the query.
    """

    project: str
    database: str
    template: Template
    attribute: str = ""


class GrafanaSource(BulkSource):
    """One request per metric for each chunk of the model's hosts or servers.

    Args:
        reader: sends requests to Grafana's proxy.
        panels: metric name → its query.
        retentions: name of a retention policy → its duration, s.

    Raises:
        ValueError: a panel names an unknown metric or attribute.
    """

    name = "grafana"

    def __init__(
        self,
        reader: HttpReader,
        panels: Mapping[str, Panel],
        retentions: Mapping[str, int] | None = None,
    ) -> None:
        self._reader = reader
        self._panels = panels
        self._retentions = RETENTIONS if retentions is None else retentions
        self._only_get = False
        for metric, panel in panels.items():
            if metric not in MEASURES:
                raise ValueError(f"there is no metric {metric}")
            known = _ATTRIBUTES[_kind(metric)]
            if panel.attribute and panel.attribute not in known:
                raise ValueError(
                    f"{panel.attribute} of {metric} is none of the attributes {', '.join(known)}"
                )

    def _has_mapping(self, metric: str) -> bool:
        return metric in self._panels

    def _calls(self) -> int:
        return self._reader.calls

    def _probe(self) -> None:
        for panel in list(self._panels.values())[:1]:
            self._results(panel, "SHOW MEASUREMENTS LIMIT 1", once=True)

    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        panel = self._panels[need.name]
        attribute = panel.attribute or _DEFAULT_ATTRIBUTE[need.resource]
        names = _ATTRIBUTES[need.resource][attribute](model)
        usable, notes = _usable(need, names)
        fields = TemplateValues(
            aggregate="mean" if need.aggregate == "count" else need.aggregate,
            period=max(1, round(need.period)),
            granularity=max(1, round(need.granularity)),
            retention=retention(need.period, self._retentions),
        )
        found: dict[str, float] = {}
        warnings: list[str] = []
        for part in chunks(usable, _NAMES_SINGLE if panel.template.tag is None else _NAMES_GROUPED):
            found.update(
                read_in_parts(part, lambda some: self._part(panel, some, fields, warnings))
            )
        values = unknown(need, model)
        for index, name in enumerate(names):
            values[index] = found.get(name, np.nan)
        return Reading(values, (*incomplete(need, warnings), *notes))

    def _part(
        self, panel: Panel, names: Sequence[str], fields: TemplateValues, warnings: list[str]
    ) -> Mapping[str, float]:
        tag = panel.template.tag
        text = (panel.template.single if tag is None else panel.template.grouped)(names, fields)
        results = self._results(panel, text)
        try:
            warnings.extend(_warnings(results))
            named = _one_each(results, names) if tag is None else _by_tag(results, tag)
            values = {name: _value(series, fields.aggregate) for name, series in named}
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise MetricsUnavailable(f"the response is malformed ({error!r})") from error
        return {name: value for name, value in values.items() if value is not None}

    def _results(self, panel: Panel, text: str, *, once: bool = False) -> list[dict[str, Any]]:
        query = {"db": panel.database, "epoch": "ms", "q": text}
        path = f"/{panel.project}/query"
        short = len(text) <= _URL_LIMIT
        if not short and self._only_get:
            raise ResponseTooLarge(f"the query is too long for GET: {text[:300]}")
        request = Request("GET", path, params=query) if short else Request("POST", path, form=query)
        response = self._reader.send(request, once=once)
        self._only_get |= not short and response.status_code in METHOD_REFUSED
        if response.status_code in TOO_LARGE or (self._only_get and not short):
            raise ResponseTooLarge(summary(response))
        document = json_of(response)
        error = document.get("error") if isinstance(document, dict) else None
        if response.status_code != HTTPStatus.OK or error:
            raise MetricsUnavailable(str(error) if error else summary(response))
        results = document.get("results") if isinstance(document, dict) else None
        if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
            raise MetricsUnavailable(f"the response is malformed: {summary(response)}")
        for one in results:
            if one.get("error"):
                kind = ResponseTooLarge if any(hint in one["error"] for hint in _LIMITS) else None
                raise (kind or MetricsUnavailable)(f"{one['error']} (query: {text[:300]})")
        return results


def _kind(metric: str) -> str:
    return "host" if metric.startswith("host_") else "server"


def _usable(need: MetricNeed, names: Sequence[str]) -> tuple[list[str], tuple[Cause, ...]]:
    """The names that a query can contain, and the problems of the others."""
    counts = Counter(names)
    shared = [name for name, count in counts.items() if count > 1]
    odd = [name for name in counts if not safe(name)]
    notes = [ambiguous(need, some_of(shared))] if shared else []
    if odd:
        facts = {"field": "name", "resource": some_of(odd), "value": "not fit for a query"}
        notes.append(Cause(BAD_VALUE, {**facts}))
    usable = [name for name, count in counts.items() if count == 1 and safe(name)]
    return usable, tuple(notes)


def _warnings(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """InfluxDB's messages, and one if it left out rows (``max-row-limit``)."""
    for result in results:
        yield from (str(one["text"]) for one in result.get("messages") or ())
        if result.get("partial") or any(one.get("partial") for one in result.get("series") or ()):
            yield "partial results"


def _one_each(
    results: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and first series of each statement's result."""
    for place, result in enumerate(results):
        series = result.get("series") or ()
        if series:
            yield names[int(result.get("statement_id", place))], series[0]


def _by_tag(
    results: Sequence[Mapping[str, Any]], tag: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for result in results:
        for series in result.get("series") or ():
            yield series["tags"][tag], series


def _value(series: Mapping[str, Any], aggregate: str) -> float | None:
    """The first row's value in the column that is named like the aggregate, or the only column."""
    columns = series["columns"]
    row = series["values"][0]
    rest = [name for name in columns if name != "time"]
    name = aggregate if aggregate in rest or len(rest) != 1 else rest[0]
    value = row[columns.index(name)]
    return None if value is None else float(value)
