"""Idempotency-Key: a request that is sent again finds what the first one did."""

import json
from typing import Any

import pytest

from tests.world.api import ApiWorld, refused

KEY = {"Idempotency-Key": "once"}


def post(api: ApiWorld, path: str, body: object, key: str = "once", **headers: str) -> Any:
    return api.ask("POST", path, body, headers={"Idempotency-Key": key, **headers})


def test_a_repeated_creation_answers_with_the_first_audit(api: ApiWorld) -> None:
    body = {"audit_type": "ONESHOT", "goal": "dummy"}
    first = post(api, "/v1/audits", body)
    again = post(api, "/v1/audits", {"goal": "dummy", "audit_type": "ONESHOT"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["location"] == first.headers["location"]
    assert len(api.get("/v1/audits")["audits"]) == 1
    other = post(api, "/v1/audits", body, key="other")
    assert other.json["uuid"] != first.json["uuid"]


def test_a_key_cannot_be_used_for_something_else(api: ApiWorld) -> None:
    post(api, "/v1/audits", {"audit_type": "ONESHOT", "goal": "dummy"})
    refused(post(api, "/v1/audits", {"audit_type": "EVENT", "goal": "dummy"}), 422)
    said = refused(post(api, "/v1/audit_templates", {"name": "t", "goal": "dummy"}), 422)
    assert said.startswith("The Idempotency-Key was used before for a different request"), said


def test_keys_of_different_callers_have_nothing_to_do_with_each_other(api: ApiWorld) -> None:
    body = {"audit_type": "ONESHOT", "goal": "dummy"}
    one = post(api, "/v1/audits", body, **{"X-User-Id": "one"})
    two = post(api, "/v1/audits", body, **{"X-User-Id": "two"})
    assert one.json["uuid"] != two.json["uuid"]


def test_a_named_creation_can_be_repeated(api: ApiWorld) -> None:
    body = {"name": "mine", "goal": "dummy"}
    first = post(api, "/v1/audit_templates", body)
    assert post(api, "/v1/audit_templates", body).json == first.json
    refused(api.ask("POST", "/v1/audit_templates", body), 409)


def test_a_start_can_be_repeated(api: ApiWorld) -> None:
    path = f"/v1/action_plans/{api.plan()['uuid']}/start"
    assert post(api, path, {}).status_code == 200
    assert post(api, path, {}).status_code == 200
    refused(api.ask("POST", path, {}), 400)


def test_a_refused_request_leaves_its_key_free(api: ApiWorld) -> None:
    refused(post(api, "/v1/audits", {"audit_type": "ONESHOT", "goal": "nosuch"}), 404)
    assert post(api, "/v1/audits", {"audit_type": "ONESHOT", "goal": "dummy"}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_what_is_no_key_is_refused(used_api: ApiWorld, key: str) -> None:
    refused(post(used_api, "/v1/audits", {"audit_type": "EVENT", "goal": "dummy"}, key=key), 400)


def test_a_request_of_a_file_with_a_byte_order_mark_is_read(api: ApiWorld) -> None:
    """`curl --data-binary @audit.json` was refused with "JSON is malformed"."""
    body = json.dumps({"audit_type": "EVENT", "goal": "dummy"}).encode("utf-8-sig")
    headers = {"Content-Type": "application/json"}
    assert api.ask("POST", "/v1/audits", raw=body, headers=headers).status_code == 201
