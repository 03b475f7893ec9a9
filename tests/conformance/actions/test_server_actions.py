from collections.abc import Iterator

import pytest

from application.ports.cloud import CloudRefused, Fail, Phase, Skip
from domain.kernel.aggregate import JsonObject
from domain.plans.reasons import SERVER_NOT_FOUND
from tests.conformance.actions.driving import Acts, end, go
from tests.conformance.actions.ground import Ground, requests_of, server_of, until

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def server(ground: Ground) -> Iterator[str]:
    """A server that runs; it runs again afterwards."""
    found = ground.another().server
    yield found
    if server_of(ground.nova, found)["status"] == "SHUTOFF":
        ground.nova.send_once("POST", f"/servers/{found}/action", {"os-start": None})
        until(lambda: server_of(ground.nova, found)["status"] == "ACTIVE")


def test_a_server_is_stopped_once(ground: Ground, acts: Acts, server: str) -> None:
    stop, parameters = acts["stop"], dict[str, object](resource_id=server)
    before = go(stop, parameters)
    assert stop.observe(parameters, before, None).phase is Phase.NEVER_STARTED
    assert stop.start(parameters, before)["request_id"]
    assert end(stop, parameters, before).phase is Phase.DONE
    known = before["actions"]
    assert isinstance(known, list)
    assert len(set(requests_of(ground.nova, server, "stop")) - set(known)) == 1
    assert isinstance(stop.check(parameters), Skip)


@pytest.mark.parametrize("kind", ["stop", "shelve", "delete", "resize"])
def test_a_server_that_does_not_exist_is_skipped(ground: Ground, acts: Acts, kind: str) -> None:
    parameters: JsonObject = {"resource_id": NOWHERE}
    if kind == "resize":
        parameters["flavor"] = "any"
    verdict = acts[kind].check(parameters)
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == SERVER_NOT_FOUND


def test_a_server_that_is_gone_counts_as_stopped(ground: Ground, acts: Acts, server: str) -> None:
    before = go(acts["stop"], {"resource_id": server})
    assert acts["stop"].observe({"resource_id": NOWHERE}, before, None).phase is Phase.DONE


def test_a_server_is_resized_by_the_flavors_name_and_the_resize_confirmed(
    ground: Ground, acts: Acts
) -> None:
    server, (_, name) = ground.movable().server, ground.bigger_flavor()
    old = server_of(ground.nova, server)["flavor"]["original_name"]
    resize = acts["resize"]
    for flavor in (name, old):
        parameters: JsonObject = {"resource_id": server, "flavor": flavor}
        before = go(resize, parameters)
        resize.start(parameters, before)
        assert end(resize, parameters, before).phase is Phase.DONE
        shown = server_of(ground.nova, server)
        assert (shown["status"], shown["flavor"]["original_name"]) == ("ACTIVE", flavor)
        again = resize.check(parameters)
        assert isinstance(again, Skip)


@pytest.mark.parametrize("kind", ["stop", "shelve", "delete"])
def test_a_server_that_goes_between_check_and_effect_needs_no_effect(
    ground: Ground, acts: Acts, server: str, kind: str
) -> None:
    """Its owner deleted it in that moment, and the plan failed for it."""
    before = go(acts[kind], {"resource_id": server})
    parameters: JsonObject = {"resource_id": NOWHERE}
    receipt = acts[kind].start(parameters, before)
    assert acts[kind].observe(parameters, before, receipt).phase is Phase.DONE


def test_a_server_is_deleted_once_and_stays_deleted_for_whoever_looks(
    ground: Ground, acts: Acts
) -> None:
    delete, parameters = acts["delete"], dict[str, object](resource_id=ground.disposable())
    before = go(delete, parameters)
    assert delete.observe(parameters, before, None).phase is Phase.NEVER_STARTED
    delete.start(parameters, before)
    assert end(delete, parameters, before).phase is Phase.DONE
    assert isinstance(delete.check(parameters), Skip)


def test_a_flavor_that_does_not_exist_fails(ground: Ground, acts: Acts) -> None:
    parameters: JsonObject = {"resource_id": ground.movable().server, "flavor": "no-such-flavor"}
    verdict = acts["resize"].check(parameters)
    assert isinstance(verdict, Fail)
    assert "no-such-flavor" in str(verdict.because)


def test_nop_and_sleep_go_through_the_same_steps(ground: Ground, acts: Acts) -> None:
    nop: JsonObject = {"message": "hello", "resource_id": None}
    before = go(acts["nop"], nop)
    assert acts["nop"].observe(nop, before, None).phase is Phase.NEVER_STARTED
    receipt = acts["nop"].start(nop, before)
    assert acts["nop"].observe(nop, before, receipt).phase is Phase.DONE
    sleep: JsonObject = {"duration": 0.2}
    before = go(acts["sleep"], sleep)
    receipt = acts["sleep"].start(sleep, before)
    assert end(acts["sleep"], sleep, before).phase is Phase.DONE


def test_nop_is_skipped_or_fails_where_it_is_told_to(ground: Ground, acts: Acts) -> None:
    nop = acts["nop"]
    assert isinstance(nop.check({"message": None, "skip_pre_condition": True}), Skip)
    assert isinstance(nop.check({"message": None, "fail_pre_condition": True}), Fail)
    with pytest.raises(CloudRefused, match="Failed in execute"):
        nop.start({"message": None, "fail_execute": True}, {})
    failing: JsonObject = {"message": None, "fail_post_condition": True}
    assert nop.observe(failing, {}, nop.start(failing, {})).phase is Phase.FAILED
