"""Thousands of requests, made from the OpenAPI description, against a running API.

Some are as the description says, some are wrong in one place; half of those about a thing are about
one that exists. Whatever is asked, the answer is a documented one: no 5xx, no status, header or
body that the description does not tell of.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from domain.cluster_models import ClusterModel
from interfaces.rest.openapi.document import WITHOUT_NAMES
from interfaces.rest.openapi.page import page
from tests.given import context
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld
from tests.world.collected import SERVERS, collect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

EXAMPLES = int(os.environ.get("VIGIL_FUZZ_EXAMPLES", "60"))
"""Requests per operation and kind of request."""
URI_TOO_LONG = 414
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TOKENLESS = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
"""The API runs without an identity service: that a token is missing is no mistake here."""
SCHEMA = schemathesis.openapi.from_dict(json.loads(page()), config=TOKENLESS)
OPERATIONS = {
    operation.label: operation
    for result in SCHEMA.get_all_operations()
    if (operation := result.ok()) is not None  # type: ignore[union-attr]  # ours is sound
}
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Target:
    """A running API and things that are in it.

    Attributes:
        idents: collection → identifiers.
    """

    url: str
    http: requests.Session
    idents: dict[str, list[str]]
    asked: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def send(self, case: Case[Any], checks: list[Any]) -> None:
        """Sends a request and checks the answer."""
        answer = case.call(base_url=self.url, session=self.http, timeout=30)
        if answer.status_code == URI_TOO_LONG:  # wrong in more than the place that was chosen
            checks = [one for one in checks if one is not negative_data_rejection]
        case.validate_response(answer, checks=checks)
        self.asked += 1
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1


def fill(api: ApiWorld) -> dict[str, list[str]]:
    """Things in all states; returns their identifiers."""
    api.worker()
    api.worker("watcher-applier")
    plans = [
        api.plan(state=state)
        for state in ("RECOMMENDED", "RECOMMENDED", "PENDING", "ONGOING", "SUCCEEDED", "FAILED")
        for _ in range(4)
    ]
    audits = [api.audit(audit_type="EVENT", name=f"on event {n} ü") for n in range(8)]
    audits += [api.audit(audit_type="CONTINUOUS", interval="60") for _ in range(4)]
    audits += [api.audit(strategy="dummy") for _ in range(8)]
    for one, state in zip(audits, ("ONGOING", "CANCELLED", "SUSPENDED"), strict=False):
        api.put_audit(one["uuid"], state)
    templates = [api.template(strategy="dummy") for _ in range(12)]
    collect(api, ClusterModel.open(context(), "default", "compute"))
    named = {
        "audits": [one[key] for one in audits for key in ("uuid", "name")],
        "audit_templates": [one[key] for one in templates for key in ("uuid", "name")],
        "action_plans": [one["uuid"] for one in plans],
        "actions": [one["uuid"] for plan in plans for one in api.actions(plan["uuid"])],
        "goals": ["dummy", "server_consolidation"],
        "strategies": ["dummy", "basic", "actuator"],
        "scoring_engines": ["dummy_scorer"],
        "services": ["1", "watcher-applier"],
        "hosts": ["cmp-1", "cmp-2"],
        "servers": [*SERVERS],
    }
    return {**named, "webhooks": named["audits"]}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with ApiWorld(tmp_path_factory.mktemp("fuzzed")) as api:
        idents = fill(api)
        with served(api, workers=2, stream_seconds=0.0) as url, requests.Session() as http:
            made = Target(url, http, idents)
            yield made
            print(f"\n{made.asked} requests, answered {dict(sorted(made.statuses.items()))}")


def requests_of(label: str, mode: GenerationMode) -> Any:
    """A strategy for the requests of an operation."""
    return OPERATIONS[label].as_strategy(generation_mode=mode)


def about_something(case: Case[Any], target: Target, choice: int | None) -> None:
    """Makes a request be about a thing that exists."""
    known = target.idents.get(case.path.split("/")[2] if case.path.count("/") > 1 else "")
    if choice is None:
        return
    if choice % 4:
        case.headers["OpenStack-API-Version"] = "infra-optim 1.7"
    if known and "ident" in (case.path_parameters or {}):
        case.path_parameters["ident"] = known[choice % len(known)]
    if isinstance(case.body, dict) and case.method == "POST" and case.path in CREATIONS:
        case.body |= {"goal": "dummy", "strategy": "dummy" if choice % 2 else None}
        kept = ("audit_type", "goal", "strategy", "name", "description", "force", "scope")
        case.body = {
            key: value
            for key, value in case.body.items()
            if key in kept[: 4 + choice % 4] or choice % 5 == 0
        }
        if case.body.get("audit_type") == "CONTINUOUS":
            case.body["interval"] = "60"
    if isinstance(case.body, list) and case.method == "PATCH":
        case.body = [_sensible(operation, choice + n) for n, operation in enumerate(case.body)]


def _sensible(operation: Any, choice: int) -> dict[str, Any]:
    """A change of something that can be changed."""
    path, op = PATHS[choice % len(PATHS)], ("replace", "add", "remove")[choice % 5 % 3]
    value = STATES[choice % len(STATES)] if path == "/state" else operation.get("value", "x")
    return {"op": op, "path": path, "value": value}


CREATIONS = ("/v1/audits", "/v1/audit_templates")
PATHS = ("/state", "/name", "/interval", "/parameters/para1", "/description", "/status_message")
STATES = ("CANCELLED", "PENDING", "ONGOING", "SUSPENDED", "SKIPPED", "SUCCEEDED")
CHOICES = st.none() | st.integers(0, 1000)


@pytest.mark.parametrize("label", OPERATIONS)
def test_requests_as_described_are_answered_as_described(target: Target, label: str) -> None:
    @FUZZ
    @given(case=requests_of(label, GenerationMode.POSITIVE), choice=CHOICES)
    def ask(case: Case[Any], choice: int | None) -> None:
        about_something(case, target, choice)
        target.send(case, CHECKS)

    ask()
    assert target.asked


UUID_ONLY = [[collection] for collection in WITHOUT_NAMES]
WRONG = [
    label  # what takes any text anywhere cannot be asked wrongly
    for label, operation in OPERATIONS.items()
    if len(operation.query) or operation.body or operation.path.split("/")[2:3] in UUID_ONLY
]


@pytest.mark.parametrize("label", WRONG)
def test_requests_that_are_wrong_somewhere_are_refused_as_described(
    target: Target, label: str
) -> None:
    @FUZZ
    @given(case=requests_of(label, GenerationMode.NEGATIVE))
    def ask(case: Case[Any]) -> None:
        target.send(case, [*CHECKS, negative_data_rejection])

    ask()
