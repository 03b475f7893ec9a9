import pytest

from application.ports.cloud import ActionHandler, CloudRefused, Fail, Phase, Skip
from domain.cluster.compute.reasons import SERVICE_NOT_FOUND
from domain.kernel.aggregate import JsonObject
from domain.plans.action_types.change_nova_service_state import (
    SERVICE_ALREADY_IN_STATE,
    SERVICE_DISABLED_FOR_OTHER_REASON,
)
from tests.conformance.actions.driving import Acts, go
from tests.conformance.actions.ground import Ground, service_of


@pytest.fixture
def switch(acts: Acts) -> ActionHandler:
    return acts["change_nova_service_state"]


def _to(host: str, state: str, **more: object) -> JsonObject:
    return {"resource_id": host, "resource_name": host, "state": state, **more}


def test_a_service_is_disabled_with_its_reason_and_enabled_again(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    off = _to(host, "disabled", disabled_reason="watcher_test")
    before = go(switch, off)
    assert switch.observe(off, before, None).phase is Phase.NEVER_STARTED
    receipt = switch.start(off, before)
    assert receipt["request_id"]
    done = switch.observe(off, before, receipt)
    assert (done.phase, done.facts["disabled_reason"]) == (Phase.DONE, "watcher_test")
    assert service_of(ground.nova, host)["status"] == "disabled"
    on = _to(host, "enabled")
    before = go(switch, on)
    assert before["disabled_reason"] == "watcher_test"
    receipt = switch.start(on, before)
    assert switch.observe(on, before, receipt).phase is Phase.DONE
    assert service_of(ground.nova, host)["status"] == "enabled"


def test_an_effect_whose_receipt_was_lost_is_found(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    off = _to(host, "disabled")
    before = go(switch, off)
    switch.start(off, before)
    assert switch.observe(off, before, None).phase is Phase.DONE


def test_a_service_in_the_state_already_is_skipped(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    verdict = switch.check(_to(host, "enabled"))
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == SERVICE_ALREADY_IN_STATE


def test_a_host_is_found_by_its_exact_name_only(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    verdict = switch.check(_to(host[:-1], "disabled"))
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == SERVICE_NOT_FOUND


def test_a_host_may_be_named_by_its_hypervisors_uuid_alone(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    hypervisors = ground.nova.list_all("/os-hypervisors/detail", "hypervisors")
    uuid = next(h["id"] for h in hypervisors if h["service"]["host"] == host)
    assert go(switch, {"resource_id": uuid, "state": "disabled"})["host"] == host


def test_a_host_that_was_disabled_anew_since_the_check_is_not_enabled(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    """An operator's own disable, with its reason, must not be undone by a plan's last step."""
    service = service_of(ground.nova, host)
    path = f"/os-services/{service['id']}"
    ours = {"status": "disabled", "disabled_reason": "watcher_test"}
    theirs = {"status": "disabled", "disabled_reason": "memory is being replaced"}
    ground.nova.send_once("PUT", path, ours)
    on = _to(host, "enabled")
    before = go(switch, on)
    ground.nova.send_once("PUT", path, theirs)
    with pytest.raises(CloudRefused, match="memory is being replaced"):
        switch.start(on, before)
    assert service_of(ground.nova, host)["status"] == "disabled"


def test_a_state_that_others_have_set_since_the_check_is_left_alone(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    off = _to(host, "disabled")
    before = go(switch, off)
    service = service_of(ground.nova, host)
    theirs = {"status": "disabled", "disabled_reason": "theirs"}
    ground.nova.send_once("PUT", f"/os-services/{service['id']}", theirs)
    receipt = switch.start(off, before)
    assert receipt["already"] is True
    assert switch.observe(off, before, receipt).phase is Phase.DONE
    assert service_of(ground.nova, host)["disabled_reason"] == "theirs"


def test_an_effect_that_others_have_undone_since_is_a_failure(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    off = _to(host, "disabled")
    before = go(switch, off)
    receipt = switch.start(off, before)
    service = service_of(ground.nova, host)
    ground.nova.send_once("PUT", f"/os-services/{service['id']}", {"status": "enabled"})
    assert switch.observe(off, before, receipt).phase is Phase.FAILED


@pytest.mark.parametrize("state", ["up", "down"])
def test_states_that_nova_does_not_let_one_set_are_refused_by_validation(
    ground: Ground, switch: ActionHandler, host: str, state: str
) -> None:
    """Upstream's schema takes them; its action then raises."""
    verdict = switch.check(_to(host, state))
    assert isinstance(verdict, Fail)
    assert "state: must be one of enabled, disabled" in str(verdict.because)


def test_a_host_that_is_disabled_for_another_reason_than_the_expected_one_is_skipped(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    """A plan that enables its hosts again must leave those to an operator who took them over."""
    service = service_of(ground.nova, host)
    theirs = {"status": "disabled", "disabled_reason": "memory is being replaced"}
    ground.nova.send_once("PUT", f"/os-services/{service['id']}", theirs)
    verdict = switch.check(_to(host, "enabled", disabled_reason="watcher_disabled"))
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == SERVICE_DISABLED_FOR_OTHER_REASON
    assert go(switch, _to(host, "enabled", disabled_reason="memory is being replaced"))


def test_the_outcome_of_a_disabling_says_how_many_servers_are_on_the_host(
    ground: Ground, switch: ActionHandler, host: str
) -> None:
    off = _to(host, "disabled")
    before = go(switch, off)
    assert "servers" not in switch.observe(off, before, None).facts
    receipt = switch.start(off, before)
    servers = ground.nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    here = sum(server["OS-EXT-SRV-ATTR:host"] == host for server in servers)
    assert switch.observe(off, before, receipt).facts["servers"] == here
