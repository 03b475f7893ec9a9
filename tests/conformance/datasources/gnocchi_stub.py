"""STUB of the part of Gnocchi's API that is used, in the shapes that Gnocchi 4.7 answers in."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infrastructure.datasources.gnocchi import NAMES
from tests.conformance.datasources import truth
from tests.conformance.datasources.gnocchi_data import kept, original, points
from tests.conformance.datasources.stub import Answer, Call

_BACK = {name: metric for metric, name in NAMES.items() if metric in truth.TRUTH}
_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "max": max,
    "min": min,
    "rate:mean": fmean,
}


def answers(calls: list[Call]) -> Answer:
    """What it answers; calls are noted. The truth is as old at each call, however late that is."""

    def answer(call: Call) -> tuple[int, object]:
        calls.append(call)
        if not call.authorization.startswith("Basic "):
            return 401, _error(401, "")
        if call.path == "/v1/aggregates":
            return _aggregates(call, time.time())
        if call.path == "/v1/metric":
            return 200, _metrics(call)
        if call.path == "/v1/search/resource/generic":
            asked = json.loads(call.body)["in"]["original_resource_id"]
            known = [one for one in _originals() if one in asked]
            return 200, [{"id": _id(one), "original_resource_id": one} for one in known]
        return 404, _error(404, "not here")

    return answer


def _originals() -> list[str]:
    return list(
        dict.fromkeys(original(metric, one) for metric, told in truth.TRUTH.items() for one in told)
    )


def _id(identity: str) -> str:
    return str(uuid5(NAMESPACE_URL, identity)) if "_" in identity else identity


def _error(status: int, description: object) -> dict[str, object]:
    return {"code": status, "title": "error", "description": description}


def _aggregates(call: Call, start: float) -> tuple[int, object]:
    body = json.loads(call.body)
    _, name, method = body["operations"]
    ((attribute, asked),) = body["search"]["in"].items()
    metric = _BACK.get(name)
    found = {
        one: identity
        for one in (truth.TRUTH[metric] if metric else ())
        for identity in [original(metric or "", one)]
        if (identity if attribute == "original_resource_id" else _id(identity)) in asked
    }
    if metric is None or not found:
        return 404, _error(404, f"Metric ['{name}'] does not exist")
    width = float(call.params["granularity"])
    for one in found:
        if method not in kept(metric, one).aggregations:
            detail = [[_id(one), method]]
            cause = "Metrics with unknown aggregation"
            return 404, _error(404, {"cause": cause, "detail": detail})
    if any(width not in kept(metric, one).granularities for one in found):
        cause, reason = "Metrics cannot be aggregated", "Granularities are missing"
        detail = [[name, method, width]]
        return 400, _error(400, {"cause": cause, "reason": reason, "detail": detail})
    window = (float(call.params["start"]) // width * width, float(call.params["stop"]))
    measures = {
        _id(identity): {name: {method: _series(metric, one, method, width, start, window)}}
        for one, identity in found.items()
    }
    document: dict[str, Any] = {"measures": measures}
    if call.params.get("details") == "true":
        document["references"] = [
            {"id": _id(identity), "original_resource_id": identity} for identity in found.values()
        ]
    return 200, document


def _series(
    metric: str, one: str, method: str, width: float, start: float, window: tuple[float, float]
) -> list[list[object]]:
    told = [(start + at, value) for at, value in points(metric, one)]
    if method.startswith("rate:"):
        told = [(at, value - before) for (_, before), (at, value) in pairwise(told)]
    buckets: dict[float, list[float]] = {}
    for at, value in told:
        if window[0] <= at // width * width < window[1]:
            buckets.setdefault(at // width * width, []).append(value)
    return [
        [datetime.fromtimestamp(at, UTC).isoformat(), width, _AGGREGATES[method](values)]
        for at, values in sorted(buckets.items())
    ]


def _metrics(call: Call) -> list[dict[str, object]]:
    """A page of the list."""
    metric = _BACK[call.params["name"]]
    items: list[dict[str, object]] = []
    for one in truth.TRUTH[metric]:
        how = kept(metric, one)
        spans = [f"{width // 3600}:{width % 3600 // 60:02d}:00" for width in how.granularities]
        policy = {
            "definition": [{"granularity": span} for span in spans],
            "aggregation_methods": list(how.aggregations),
        }
        identity = _id(original(metric, one))
        items.append(
            {"id": f"metric-{identity}", "resource_id": identity, "archive_policy": policy}
        )
    items.sort(key=lambda item: str(item["id"]))
    marker = call.params.get("marker", "")
    after = [item for item in items if str(item["id"]) > marker]
    return after[: int(call.params["limit"])]
