"""Idempotency-Key: a request that is sent again finds what the first one did."""

from typing import Any

import pytest

from tests.integration.rest.house import House, refused

KEY = {"Idempotency-Key": "once"}


def post(house: House, path: str, body: object, key: str = "once", **headers: str) -> Any:
    return house.ask("POST", path, body, headers={"Idempotency-Key": key, **headers})


def test_a_repeated_creation_answers_with_the_first_audit(house: House) -> None:
    body = {"audit_type": "ONESHOT", "goal": "dummy"}
    first = post(house, "/v1/audits", body)
    again = post(house, "/v1/audits", {"goal": "dummy", "audit_type": "ONESHOT"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["location"] == first.headers["location"]
    assert len(house.get("/v1/audits")["audits"]) == 1
    other = post(house, "/v1/audits", body, key="other")
    assert other.json["uuid"] != first.json["uuid"]


def test_a_key_cannot_be_used_for_something_else(house: House) -> None:
    post(house, "/v1/audits", {"audit_type": "ONESHOT", "goal": "dummy"})
    refused(post(house, "/v1/audits", {"audit_type": "EVENT", "goal": "dummy"}), 422)
    refused(post(house, "/v1/audit_templates", {"name": "t", "goal": "dummy"}), 422)


def test_keys_of_different_callers_have_nothing_to_do_with_each_other(house: House) -> None:
    body = {"audit_type": "ONESHOT", "goal": "dummy"}
    one = post(house, "/v1/audits", body, **{"X-User-Id": "one"})
    two = post(house, "/v1/audits", body, **{"X-User-Id": "two"})
    assert one.json["uuid"] != two.json["uuid"]


def test_a_named_creation_can_be_repeated(house: House) -> None:
    body = {"name": "mine", "goal": "dummy"}
    first = post(house, "/v1/audit_templates", body)
    assert post(house, "/v1/audit_templates", body).json == first.json
    refused(house.ask("POST", "/v1/audit_templates", body), 409)


def test_a_start_can_be_repeated(house: House) -> None:
    path = f"/v1/action_plans/{house.plan()['uuid']}/start"
    assert post(house, path, {}).status_code == 200
    assert post(house, path, {}).status_code == 200
    refused(house.ask("POST", path, {}), 400)


def test_a_refused_request_leaves_its_key_free(house: House) -> None:
    refused(post(house, "/v1/audits", {"audit_type": "ONESHOT", "goal": "nosuch"}), 404)
    assert post(house, "/v1/audits", {"audit_type": "ONESHOT", "goal": "dummy"}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_what_is_no_key_is_refused(lived_in: House, key: str) -> None:
    refused(post(lived_in, "/v1/audits", {"audit_type": "EVENT", "goal": "dummy"}, key=key), 400)
