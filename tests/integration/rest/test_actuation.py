"""The actuation switch over REST."""

import pytest

from tests.world.api import ApiWorld, refused


def test_the_switch_is_on_until_somebody_switches_it_off(api: ApiWorld) -> None:
    assert api.get("/v1/actuation") == {
        "state": "on",
        "reason": None,
        "changed_by": None,
        "changed_at": None,
    }
    assert api.get("/healthcheck", version=None)["actuation"] == "on"


def test_it_is_switched_off_and_on_and_shows_the_latest_change(api: ApiWorld) -> None:
    off = {"state": "off", "reason": "network outage"}
    done = api.ask("PUT", "/v1/actuation", off)
    assert (done.status_code, {**done.json, **off}) == (200, done.json)
    assert done.json["changed_by"]
    assert api.get("/v1/actuation") == done.json
    assert api.get("/healthcheck", version=None)["actuation"] == "off"
    on = api.ask("PUT", "/v1/actuation", {"state": "on", "reason": "repaired"})
    assert (on.json["state"], on.json["reason"]) == ("on", "repaired")
    events = [one["type"] for one in api.get("/v1/events")["events"]]
    assert events[-3:] == [
        "actuation.opened",
        "actuation.switched-off",
        "actuation.switched-on",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"state": "off"}, "reason"),
        ({"state": "off", "reason": ""}, "reason"),
        ({"state": "off", "reason": "  "}, "reason: must have 1 to 200 characters"),
        ({"state": "off", "reason": "x" * 201}, "reason"),
        ({"state": "halt", "reason": "x"}, "state"),
        ({"state": "off", "reason": "x", "force": True}, "force"),
    ],
)
def test_an_invalid_change_is_refused_and_names_the_field(
    api: ApiWorld, body: dict[str, object], message: str
) -> None:
    before = api.log.end()
    assert message in refused(api.ask("PUT", "/v1/actuation", body), 400)
    assert api.log.end() == before
