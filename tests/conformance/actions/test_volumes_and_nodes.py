"""Actions on volumes and bare-metal nodes, where the conformance suite does not look."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.ports.cloud import (
    ActionHandler,
    CloudRefused,
    CloudUnreachable,
    Fail,
    Go,
    Phase,
    Skip,
    Verdict,
)
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.placement.movability import SERVER_STATE_UNSUITABLE
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from domain.plans.action_types import change_node_power_state as node_reasons
from domain.plans.action_types import volume_migrate as volume_reasons
from domain.plans.reasons import NO_LONGER_LEGAL
from infrastructure.openstack.actions import handlers
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.baremetal.maas import MaasNodes, node_row
from infrastructure.openstack.baremetal.maas_api import MaasApi
from infrastructure.openstack.baremetal.nodes import Nodes
from infrastructure.openstack.errors import CloudForbidden
from infrastructure.openstack.service import Json
from infrastructure.plugins import Registry
from infrastructure.simulator.baremetal.maas import API_KEY
from tests.conformance.actions.driving import end
from tests.conformance.actions.ground import until
from tests.conformance.actions.test_suite import POOLS, active, migratable
from vigil.testing import SimulatedCloud
from vigil.testing.handlers import LIMITS

FAST, SLOW = "storage-1@ssd#fast", POOLS[0]


@pytest.fixture
def cloud() -> Iterator[SimulatedCloud]:
    one = SimulatedCloud()
    yield one
    one.close()


@pytest.fixture
def acts(cloud: SimulatedCloud) -> dict[str, ActionHandler]:
    return handlers(Registry().handlers, cloud.connection, LIMITS)


@pytest.fixture
def migrate(acts: dict[str, ActionHandler]) -> ActionHandler:
    return acts["volume_migrate"]


@pytest.fixture(params=["ironic", "maas"])
def nodes(request: pytest.FixtureRequest, cloud: SimulatedCloud) -> Nodes:
    if request.param == "ironic":
        return IronicNodes(cloud.connection, LIMITS)
    return maas(cloud)


@pytest.fixture
def power(cloud: SimulatedCloud, nodes: Nodes) -> ActionHandler:
    found = handlers(Registry().handlers, cloud.connection, LIMITS, nodes=nodes)
    return found["change_node_power_state"]


def reason_of(verdict: Verdict) -> Reason | str | None:
    return None if isinstance(verdict, Go) else verdict.because.reason


def inject(cloud: SimulatedCloud, **rule: object) -> None:
    token = cloud.connection.session.get_token()
    answer = cloud.connection.session.post(
        f"{address(cloud)}/vigil/faults", json=rule, headers={"X-Auth-Token": token}
    )
    assert answer.status_code < 300


def address(cloud: SimulatedCloud) -> str:
    nova = str(cloud.connection.session.get_endpoint(service_type="compute"))
    return nova.partition("/compute")[0]


def maas(cloud: SimulatedCloud, key: str = API_KEY, path: str = "/MAAS") -> MaasNodes:
    url = f"{address(cloud)}{path}"
    return MaasNodes(MaasApi(url, key, timeout=LIMITS.timeout, read_retries=0))


def to(pool: str, volume: Json, kind: str = "migrate") -> JsonObject:
    return {"resource_id": volume["id"], "migration_type": kind, "destination_node": pool}


def other(volume: Json) -> str:
    return POOLS[1] if volume["os-vol-host-attr:host"] == POOLS[0] else POOLS[0]


def started(handler: ActionHandler, parameters: JsonObject) -> tuple[JsonObject, JsonObject]:
    verdict = handler.check(parameters)
    assert isinstance(verdict, Go), verdict
    return verdict.before, handler.start(parameters, verdict.before)


def shown(cloud: SimulatedCloud, volume: Json) -> Json:
    found: Json = cloud.clouds.block_storage.get(f"/volumes/{volume['id']}")["volume"]
    return found


@pytest.mark.parametrize("kind", ["migrate", "swap"])
def test_a_volume_is_copied_by_cinder_and_keeps_its_server(
    cloud: SimulatedCloud, migrate: ActionHandler, kind: str
) -> None:
    """``swap`` is an older word for the same; no other user is made or used for it."""
    volume = next(one for one in migratable(cloud) if one["attachments"])
    parameters = to(other(volume), volume, kind)
    before, receipt = started(migrate, parameters)
    assert migrate.observe(parameters, before, receipt).phase is Phase.RUNNING
    assert end(migrate, parameters, before, receipt).phase is Phase.DONE
    after = shown(cloud, volume)
    assert after["os-vol-host-attr:host"] == other(volume)
    assert after["attachments"] == volume["attachments"]
    assert reason_of(migrate.check(parameters)) == volume_reasons.VOLUME_ALREADY_IN_POOL


def test_a_type_of_another_backend_moves_the_volume_there(
    cloud: SimulatedCloud, migrate: ActionHandler
) -> None:
    volume = next(one for one in migratable(cloud) if one["volume_type"] == "hdd")
    parameters: JsonObject = {
        "resource_id": volume["id"],
        "migration_type": "retype",
        "destination_type": "ssd",
    }
    before, receipt = started(migrate, parameters)
    assert shown(cloud, volume)["status"] == "retyping"
    assert end(migrate, parameters, before, receipt).phase is Phase.DONE
    after = shown(cloud, volume)
    assert (after["volume_type"], after["os-vol-host-attr:host"]) == ("ssd", FAST)
    assert reason_of(migrate.check(parameters)) == volume_reasons.VOLUME_ALREADY_OF_TYPE


@pytest.mark.parametrize("kind", ["migrate", "retype"])
def test_a_copy_that_fails_is_a_failure_that_says_where_the_volume_is(
    cloud: SimulatedCloud, migrate: ActionHandler, kind: str
) -> None:
    volume = next(one for one in migratable(cloud) if one["volume_type"] == "hdd")
    inject(cloud, kind="operation", outcome="fail", resource=volume["id"])
    parameters = {**to(other(volume), volume, kind), "destination_type": "ssd"}
    before, receipt = started(migrate, parameters)
    seen = end(migrate, parameters, before, receipt)
    assert seen.phase is Phase.FAILED
    assert seen.facts["pool"] == volume["os-vol-host-attr:host"]
    named = {"migrate": volume_reasons.VOLUME_MIGRATION_FAILED}
    assert seen.cause.reason == named.get(kind, volume_reasons.VOLUME_RETYPE_FAILED)
    assert end(migrate, parameters, before, None).phase is Phase.FAILED, "the receipt was lost"


def test_a_request_whose_reply_was_lost_is_found(
    cloud: SimulatedCloud, migrate: ActionHandler
) -> None:
    volume = next(migratable(cloud))
    parameters = to(other(volume), volume)
    inject(cloud, kind="endpoint", service="volume", method="POST", lost_reply=True)
    with pytest.raises(CloudUnreachable):
        started(migrate, parameters)
    verdict = migrate.check(parameters)
    assert reason_of(verdict) == volume_reasons.VOLUME_BUSY


def test_a_copy_that_hangs_goes_on_running(cloud: SimulatedCloud, migrate: ActionHandler) -> None:
    volume = next(migratable(cloud))
    inject(cloud, kind="operation", outcome="hang", resource=volume["id"])
    parameters = to(other(volume), volume)
    before, receipt = started(migrate, parameters)
    seen = [migrate.observe(parameters, before, receipt).phase for _ in range(5)]
    assert set(seen) == {Phase.RUNNING}
    assert migrate.deadline(parameters, before) >= LIMITS.shortest_deadline


def test_what_cannot_be_copied_is_refused_with_the_reason(
    cloud: SimulatedCloud, migrate: ActionHandler
) -> None:
    volume = next(one for one in migratable(cloud) if one["volume_type"] == "hdd")
    lost = {**volume, "id": "00000000-0000-4000-8000-00000000dead"}
    retype: JsonObject = {"resource_id": volume["id"], "migration_type": "retype"}
    expected: list[tuple[JsonObject, Any]] = [
        (to(other(volume), lost), volume_reasons.VOLUME_NOT_FOUND),
        (to("nowhere@hdd#p", volume), volume_reasons.POOL_NOT_FOUND),
        (to(FAST, volume), volume_reasons.POOL_LACKS_TYPE),
        ({**retype, "destination_type": "nosuch"}, volume_reasons.VOLUME_TYPE_NOT_FOUND),
    ]
    for parameters, reason in expected:
        verdict = migrate.check(parameters)
        assert reason_of(verdict) == reason, verdict
    for parameters, name in (
        ({"resource_id": volume["id"], "migration_type": "migrate"}, "destination_node"),
        (retype, "destination_type"),
    ):
        verdict = migrate.check(parameters)
        assert isinstance(verdict, Fail)
        assert f"{name}: is required" in str(verdict.because)


def test_a_volume_for_which_its_pool_has_no_room_any_more_is_skipped(
    cloud: SimulatedCloud, migrate: ActionHandler
) -> None:
    """Other volumes came to the pool since the plan was made; Cinder would refuse it much later."""
    cinder = cloud.clouds.block_storage
    volumes = cinder.list_all("/volumes/detail", "volumes", {"all_tenants": "true"})
    untyped = [one for one in volumes if one["volume_type"] == "__DEFAULT__" and one["size"] == 100]
    first, second = sorted(untyped, key=lambda one: str(one["status"]))
    move = to(POOLS[0], first)
    assert end(migrate, move, *started(migrate, move)).phase is Phase.DONE
    verdict = migrate.check(to(POOLS[0], second))
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == NO_LONGER_LEGAL
    assert f"{POOLS[0]} lacks capacity: 100 GB needed, 60.0 GB free" in str(verdict.because)


def test_a_volume_with_snapshots_is_refused_by_cinder_and_stays(
    cloud: SimulatedCloud, migrate: ActionHandler
) -> None:
    cinder = cloud.clouds.block_storage
    everyone = {"all_tenants": "true"}
    copied = {one["volume_id"] for one in cinder.list_all("/snapshots", "snapshots", everyone)}
    volumes = cinder.list_all("/volumes/detail", "volumes", everyone)
    volume = next(one for one in volumes if one["id"] in copied)
    here = volume["os-vol-host-attr:host"]
    there = FAST if here != FAST else SLOW
    with pytest.raises(CloudRefused, match="must not have snapshots"):
        migrate.start(to(there, volume), {"clustered": False})
    assert shown(cloud, volume)["os-vol-host-attr:host"] == here


def test_the_volume_of_a_stopped_server_stays(
    cloud: SimulatedCloud, migrate: ActionHandler, acts: dict[str, ActionHandler]
) -> None:
    """Nova cannot replace the volume of a server that is stopped."""
    volume = next(one for one in migratable(cloud) if one["attachments"])
    server: JsonObject = {"resource_id": volume["attachments"][0]["server_id"]}
    end(acts["stop"], server, *started(acts["stop"], server))
    assert reason_of(migrate.check(to(other(volume), volume))) == SERVER_STATE_UNSUITABLE


def node_on(nodes: Nodes, host: str) -> BaremetalNodeRow:
    return next(row for row in nodes.collect().nodes if row.name == host)


def empty_host(cloud: SimulatedCloud) -> str:
    used = {server["OS-EXT-SRV-ATTR:host"] for server in cloud.servers()}
    return next(str(one["host"]) for one in cloud.hosts() if one["host"] not in used)


def test_an_empty_node_is_switched_off_and_on_again(
    cloud: SimulatedCloud, nodes: Nodes, power: ActionHandler
) -> None:
    name = empty_host(cloud)
    off: JsonObject = {"resource_id": node_on(nodes, name).id, "state": "off"}
    before, receipt = started(power, off)
    assert power.observe(off, before, receipt).phase is Phase.RUNNING
    assert end(power, off, before, receipt).phase is Phase.DONE
    assert node_on(nodes, name).power_state == "power off"
    assert next(one["state"] for one in cloud.hosts() if one["host"] == name) == "down"
    assert reason_of(power.check(off)) == node_reasons.NODE_ALREADY_IN_STATE
    back = power.compensation(off, before, {})
    assert not isinstance(back, Reason)
    on = {**off, "state": "on"}
    assert end(power, on, *started(power, on)).phase is Phase.DONE
    assert next(one["state"] for one in cloud.hosts() if one["host"] == name) == "up"


def test_a_node_on_which_servers_run_is_not_switched_off(
    cloud: SimulatedCloud, nodes: Nodes, power: ActionHandler
) -> None:
    """The original's check raised an exception, so that no node could ever be switched off."""
    server = next(one for one in cloud.servers() if one["status"] == "ACTIVE")
    name = server["OS-EXT-SRV-ATTR:host"]
    verdict = power.check({"resource_id": node_on(nodes, name).id, "state": "off"})
    assert isinstance(verdict, Fail)
    assert verdict.because.reason == node_reasons.NODE_RUNS_SERVERS
    assert name in str(verdict.because)


def test_a_server_that_came_since_the_check_keeps_its_node_on(
    cloud: SimulatedCloud, nodes: Nodes, power: ActionHandler, acts: dict[str, ActionHandler]
) -> None:
    name = empty_host(cloud)
    off: JsonObject = {"resource_id": node_on(nodes, name).id, "state": "off"}
    verdict = power.check(off)
    assert isinstance(verdict, Go)
    for chosen in active(cloud):
        source = next(one for one in cloud.servers() if one["id"] == chosen)
        move: JsonObject = {
            "resource_id": chosen,
            "migration_type": "live",
            "source_node": source["OS-EXT-SRV-ATTR:host"],
            "destination_node": name,
        }
        try:
            if end(acts["migrate"], move, *started(acts["migrate"], move)).phase is Phase.DONE:
                break
        except (AssertionError, CloudRefused):
            continue  # this one may not go there
    with pytest.raises(CloudRefused, match=f"servers run on {name}"):
        power.start(off, verdict.before)
    assert node_on(nodes, name).power_state == "power on"


def test_what_the_service_cannot_do_is_a_failure_with_its_words(
    cloud: SimulatedCloud, nodes: Nodes, power: ActionHandler
) -> None:
    node = node_on(nodes, empty_host(cloud))
    inject(cloud, kind="operation", outcome="fail", resource=node.id)
    off: JsonObject = {"resource_id": node.id, "state": "off"}
    before, receipt = started(power, off)
    seen = end(power, off, before, receipt)
    assert seen.phase is Phase.FAILED
    assert "no answer from the BMC" in str(seen.cause)
    before, receipt = started(power, off)
    assert end(power, off, before, receipt).phase is Phase.DONE, "it works at the next attempt"


def test_a_node_that_is_being_switched_is_refused_and_one_that_does_not_exist_skipped(
    cloud: SimulatedCloud, nodes: Nodes, power: ActionHandler
) -> None:
    node = node_on(nodes, empty_host(cloud))
    inject(cloud, kind="operation", outcome="hang", resource=node.id)
    off: JsonObject = {"resource_id": node.id, "state": "off"}
    before, _ = started(power, off)
    refusals = (CloudRefused, CloudUnreachable)  # MAAS refuses with 503
    with pytest.raises(refusals, match=r"is locked by host|action is in progress"):
        power.start(off, before)
    verdict = power.check({"resource_id": "nosuch", "state": "on"})
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == node_reasons.NODE_NOT_FOUND


def test_maas_refuses_a_wrong_key_with_its_words(cloud: SimulatedCloud) -> None:
    stranger = maas(cloud, "vigil:maas:guessed")
    for ask in (stranger.collect, stranger.probe, lambda: stranger.switch("n00001", "off")):
        with pytest.raises(CloudForbidden, match="Invalid consumer or token"):
            ask()


def test_a_url_that_is_not_that_of_maas_hides_no_machine(cloud: SimulatedCloud) -> None:
    """Else actions would be skipped, because their nodes did not exist."""
    with pytest.raises((CloudRefused, CloudUnreachable), match="404"):
        maas(cloud, path="/nowhere").find("n00001")


def test_a_reply_of_maas_that_is_lost_is_an_unknown_outcome_and_is_observed(
    cloud: SimulatedCloud,
) -> None:
    nodes = maas(cloud)
    node = node_on(nodes, empty_host(cloud))
    inject(cloud, kind="endpoint", service="MAAS", method="POST", lost_reply=True)
    with pytest.raises(CloudUnreachable):
        nodes.switch(node.id, "off")
    until(lambda: node_on(nodes, node.name).power_state == "power off")
    inject(cloud, kind="endpoint", service="MAAS", status=503)
    with pytest.raises(CloudUnreachable, match="injected by the simulator"):
        nodes.find(node.id)


def test_a_machine_that_is_not_deployed_is_in_maintenance_with_its_status() -> None:
    """MAAS tests, erases or repairs it: it must not be switched meanwhile."""
    machine = {"system_id": "abc123", "fqdn": "c1.maas", "hostname": "c1", "power_state": "unknown"}
    deployed = node_row({**machine, "status_name": "Deployed", "status_message": "Deployed"})
    assert (deployed.maintenance, deployed.maintenance_reason) == (False, None)
    assert deployed.power_state == ""
    broken = node_row({**machine, "status_name": "Broken", "error_description": "no fan"})
    assert (broken.maintenance, broken.maintenance_reason) == (True, "MAAS: Broken no fan")
