"""STUB of Grafana's proxy in front of an InfluxDB that knows the truth."""

import re
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from domain.metrics import catalogue as m
from infrastructure.datasources.grafana import Panel
from infrastructure.datasources.influxql import Template
from tests.conformance.datasources import truth
from tests.conformance.datasources.stub import Answer, Call

TOKEN = "a-grafana-token"  # noqa: S105 - of the stub
_FORMS = {
    # one statement for all
    m.HOST_CPU_USAGE: 'SELECT {0}("v") FROM {4}.host_cpu WHERE "host" =~ /^{1}$/ AND ',
    m.INSTANCE_CPU_USAGE: "SELECT {0}(v) FROM {4}.server_cpu WHERE server = '{1}' AND ",
    # one statement each
    m.HOST_RAM_USAGE: 'SELECT {0}(v) FROM {4}.host_ram WHERE "host" =~ /{1}/ AND ',
    m.INSTANCE_RAM_USAGE: "SELECT {0}(v) FROM {4}.server_ram WHERE server =~ /{1}/ AND ",
}
PANELS = {
    metric: Panel("7", "d", Template(form + "time > now() - {2}s"))
    for metric, form in _FORMS.items()
}
_MEASUREMENTS = {
    "host_cpu": m.HOST_CPU_USAGE,
    "server_cpu": m.INSTANCE_CPU_USAGE,
    "host_ram": m.HOST_RAM_USAGE,
    "server_ram": m.INSTANCE_RAM_USAGE,
}
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {"mean": fmean, "max": max, "min": min}
_STATEMENT = re.compile(
    r"""SELECT\ (?P<aggregate>\w+)\("?v"?\)\ FROM\ (?P<retention>\w+)\.(?P<name>\w+)
    \ WHERE\ "?(?P<tag>\w+)"?\ (?:=~\ /(?P<like>.*?)/|=\ '(?P<equal>.*?)')
    \ AND\ time\ >\ now\(\)\ -\ (?P<period>\d+)s
    (?P<grouped>\ GROUP\ BY\ "\w+")?""",
    re.VERBOSE,
)


def answers(calls: list[Call]) -> Answer:
    """What it answers; calls are noted. The truth is as old at each call, however late that is."""

    def answer(call: Call) -> tuple[int, object]:
        calls.append(call)
        if call.authorization != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        form = call.form()
        if not call.path.endswith("/query") or form.get("db") != "d":
            return 404, {"message": "Not found"}
        if form["q"].startswith("SHOW"):
            return 200, {"results": [{"statement_id": 0}]}
        statements = enumerate(form["q"].split(";"))
        return 200, {"results": [_result(place, text) for place, text in statements]}

    return answer


def _result(place: int, text: str) -> dict[str, Any]:
    said = _STATEMENT.fullmatch(text)
    if said is None:
        return {"statement_id": place, "error": f"error parsing query: {text}"}
    metric = _MEASUREMENTS[said["name"]]
    series = []
    for resource in truth.TRUTH[metric]:
        equal = said["equal"] == resource
        if not (equal or (said["like"] and re.search(said["like"], resource))):
            continue
        since = -int(said["period"])
        told = [v for at, v in truth.samples(metric, resource) if since < at <= 0]
        if told:
            value = _AGGREGATES[said["aggregate"]](told)
            row = [int(since * 1000), value]
            one: dict[str, Any] = {
                "name": said["name"],
                "columns": ["time", said["aggregate"]],
                "values": [row],
            }
            if said["grouped"]:
                one["tags"] = {said["tag"]: resource}
            series.append(one)
    return {"statement_id": place, "series": series} if series else {"statement_id": place}
