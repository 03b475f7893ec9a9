"""Bodies that would cost far more than they are long, from somebody who may create audits."""

import gzip
import json
from typing import Any

import pytest

from interfaces.rest.errors import MAX_TEXT
from tests.world.api import ApiWorld

JSON = {"Content-Type": "application/json"}
MANY = 20_000


def _cron(interval: str) -> dict[str, Any]:
    return {"audit_type": "CONTINUOUS", "goal": "dummy", "interval": interval}


def _scope(*rules: object) -> dict[str, Any]:
    return {"name": "hostile", "goal": "dummy", "scope": [{"compute": list(rules)}]}


AUDITS: dict[str, tuple[object, int]] = {
    "cron of many parts": (_cron(",".join(["0-59"] * MANY) + " * * * *"), 400),
    "cron that never matches": (_cron("0 0 31 2 *"), 400),
    "cron that matches in a century": (_cron("0 0 29 2 1 0 2096"), 400),
    "cron of blanks": (_cron("*" + " " * 200_000 + "* * * *"), 400),
    "interval of digits": (_cron("9" * 100_000), 400),
    "goal": ({"audit_type": "ONESHOT", "goal": "g" * 200_000}, 404),
    "number out of range": ('{"audit_type": "ONESHOT", "goal": "dummy", "force": 1e999}', 400),
    "no number": ('{"audit_type": "ONESHOT", "goal": NaN}', 400),
    "deep": ('{"audit_type":' + "[" * 100_000, 400),
    "deep and whole": ('{"parameters":' + '{"a":' * 300 + "1" + "}" * 301, 400),
    "many actions": (
        {
            "audit_type": "ONESHOT",
            "goal": "unclassified",
            "strategy": "actuator",
            "parameters": {"actions": [{"action_type": "nop", "input_parameters": {}}] * MANY},
        },
        400,
    ),
    "many unknown parameters": (
        {
            "audit_type": "ONESHOT",
            "goal": "dummy",
            "strategy": "dummy",
            "parameters": {f"p{number}": number for number in range(MANY)},
        },
        400,
    ),
}
"""Situation → body and status."""

TEMPLATES: dict[str, tuple[object, int]] = {
    "many aggregates": (_scope({"host_aggregates": [{"name": f"a{n}"} for n in range(MANY)]}), 201),
    "the same zone": (_scope({"availability_zones": [{"name": "x"}] * MANY}), 201),
    "many scopes": ({"name": "hostile", "goal": "dummy", "scope": [{"compute": []}] * MANY}, 201),
    "rules of no form": (_scope({"rules": [{"apart": ["a", "b"]}] * (MANY // 4)}), 400),
}


def _posted(api: ApiWorld, path: str, body: object) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return api.http.simulate_post(path, body=text, headers=JSON)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", AUDITS)
def test_a_costly_audit_is_answered_in_time(api: ApiWorld, name: str) -> None:
    body, status = AUDITS[name]
    answer = _posted(api, "/v1/audits", body)
    assert answer.status_code == status, answer.text[:500]
    assert len(answer.text) < 2 * MAX_TEXT


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_costly_scope_is_answered_in_time(api: ApiWorld, name: str) -> None:
    body, status = TEMPLATES[name]
    assert _posted(api, "/v1/audit_templates", body).status_code == status


def test_a_body_is_never_unpacked(api: ApiWorld) -> None:
    """A few kilobytes could unpack to gigabytes: no coding of a body is understood."""
    packed = gzip.compress(b'{"audit_type": "ONESHOT", "goal": "dummy"}' + b" " * 10_000_000)
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = api.http.simulate_post("/v1/audits", body=packed, headers=headers)
    assert answer.status_code == 400
