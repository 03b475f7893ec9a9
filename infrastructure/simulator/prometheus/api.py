"""Prometheus' query API over the simulated series."""

import math
import re
from datetime import datetime
from typing import Any

import falcon
import numpy as np

from infrastructure.simulator.core.world import World
from infrastructure.simulator.prometheus.promql import (
    BadQuery,
    Evaluator,
    SeriesCatalogue,
    Vector,
    parse,
)
from infrastructure.simulator.prometheus.promql.series import Labels
from infrastructure.simulator.prometheus.promql.syntax import Selector

LONGEST_RANGE = 11_000
"""Points per series that Prometheus answers with at most."""


def prometheus_routes(app: falcon.App[Any, Any], world: World, prefix: str = "/prometheus") -> None:
    """Adds the query API to an application, below a path."""
    api = _Api(world)
    for path, suffix in (
        ("query", "query"),
        ("query_range", "query_range"),
        ("series", "series"),
        ("labels", "labels"),
        ("label/{name}/values", "values"),
        ("targets", "targets"),
        ("status/runtimeinfo", "runtimeinfo"),
        ("status/buildinfo", "buildinfo"),
    ):
        app.add_route(f"{prefix}/api/v1/{path}", api, suffix=suffix)


class _Api:
    def __init__(self, world: World) -> None:
        self._world = world

    def on_get_query(self, req: falcon.Request, resp: falcon.Response) -> None:
        params = _parameters(req)
        try:
            expression = parse(_needed(params, "query"))
            with self._world.transaction() as now:
                at = _instant(params.get("time"), now)
                result = _shown(self._evaluator(at).value(expression), at)
        except BadQuery as bad:
            _refuse(resp, bad)
        else:
            _answer(resp, result)

    on_post_query = on_get_query

    def on_get_query_range(self, req: falcon.Request, resp: falcon.Response) -> None:
        params = _parameters(req)
        try:
            expression = parse(_needed(params, "query"))
            with self._world.transaction() as now:
                start, end = _instant(params.get("start"), now), _instant(params.get("end"), now)
                times = _steps(start, end, _step(_needed(params, "step")))
                series: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
                for at in times:
                    value = self._evaluator(at).value(expression)
                    vector = value if isinstance(value, Vector) else Vector([{}], np.array([value]))
                    for labels, one in zip(vector.labels, vector.values.tolist(), strict=True):
                        series.setdefault(tuple(sorted(labels.items())), []).append(
                            [at, _number(one)]
                        )
        except BadQuery as bad:
            _refuse(resp, bad)
        else:
            matrix = [{"metric": dict(key), "values": values} for key, values in series.items()]
            _answer(resp, {"resultType": "matrix", "result": matrix})

    on_post_query_range = on_get_query_range

    def on_get_series(self, req: falcon.Request, resp: falcon.Response) -> None:
        found: list[Labels] = []
        try:
            with self._world.transaction():
                for text in req.get_param_as_list("match[]") or []:
                    selector = _selector(text)
                    series = self._catalogue().select(selector.name, selector.matchers)
                    found += [{"__name__": selector.name, **labels} for labels in series.labels]
        except BadQuery as bad:
            _refuse(resp, bad)
        else:
            _answer(resp, found)

    def on_get_labels(self, _req: falcon.Request, resp: falcon.Response) -> None:
        with self._world.transaction():
            catalogue = self._catalogue()
            names = {"__name__"}
            for name in catalogue.names:
                names.update(*(labels.keys() for labels in catalogue.select(name, ()).labels[:1]))
        _answer(resp, sorted(names))

    def on_get_values(self, _req: falcon.Request, resp: falcon.Response, name: str) -> None:
        with self._world.transaction():
            catalogue = self._catalogue()
            if name == "__name__":
                values = set(catalogue.names)
            else:
                values = {
                    labels[name]
                    for family in catalogue.names
                    for labels in catalogue.select(family, ()).labels
                    if name in labels
                }
        _answer(resp, sorted(values))

    def on_get_targets(self, _req: falcon.Request, resp: falcon.Response) -> None:
        with self._world.transaction():
            targets = self._catalogue().targets()
        active = [
            {
                "labels": labels,
                "discoveredLabels": {"__address__": labels["instance"]},
                "scrapePool": labels["job"],
                "scrapeUrl": f"http://{labels['instance']}/metrics",
                "health": "up",
                "lastError": "",
            }
            for labels in targets
        ]
        _answer(resp, {"activeTargets": active, "droppedTargets": []})

    def on_get_runtimeinfo(self, _req: falcon.Request, resp: falcon.Response) -> None:
        _answer(resp, {"storageRetention": "7d", "reloadConfigSuccess": True})

    def on_get_buildinfo(self, _req: falcon.Request, resp: falcon.Response) -> None:
        _answer(resp, {"version": "2.0.0", "revision": "simulator"})

    def _catalogue(self) -> SeriesCatalogue:
        timeline = self._world.timeline
        servers = [self._world.servers[one.id] for one in timeline.servers]
        return SeriesCatalogue(list(self._world.hosts.values()), servers, timeline)

    def _evaluator(self, at: float) -> Evaluator:
        return Evaluator(self._catalogue(), self._world.clock.simulated(at), at)


def _parameters(req: falcon.Request) -> dict[str, str]:
    params = {name: value for name, value in req.params.items() if isinstance(value, str)}
    if req.method == "POST":
        params |= dict(req.get_media(default_when_empty={}) or {})
    return params


def _needed(params: dict[str, str], name: str) -> str:
    if not params.get(name):
        raise BadQuery(f'invalid parameter "{name}": it is missing')
    return params[name]


def _selector(text: str) -> Selector:
    selector = parse(text)
    if not isinstance(selector, Selector):
        raise BadQuery(f"{text!r} is not a series selector")
    return selector


def _instant(text: str | None, now: float) -> float:
    if text is None:
        return now
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadQuery(f'invalid parameter "time": cannot parse {text!r}') from None


def _step(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    step = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0.0
    if step <= 0:
        raise BadQuery('invalid parameter "step": zero, negative or unreadable')
    return step


def _steps(start: float, end: float, step: float) -> list[float]:
    if end < start:
        raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
    count = int((end - start) / step) + 1
    if count > LONGEST_RANGE:
        raise BadQuery(f"exceeded maximum resolution of {LONGEST_RANGE} points per timeseries")
    return [start + place * step for place in range(count)]


def _shown(value: Vector | float, at: float) -> dict[str, Any]:
    if isinstance(value, float):
        return {"resultType": "scalar", "result": [at, _number(value)]}
    result = [
        {"metric": labels, "value": [at, _number(one)]}
        for labels, one in zip(value.labels, value.values.tolist(), strict=True)
    ]
    return {"resultType": "vector", "result": result}


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _answer(resp: falcon.Response, data: Any) -> None:
    resp.media = {"status": "success", "data": data}


def _refuse(resp: falcon.Response, bad: BadQuery) -> None:
    resp.status = falcon.HTTP_400
    resp.media = {"status": "error", "errorType": "bad_data", "error": str(bad)}
