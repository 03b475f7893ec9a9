"""The product's handlers in the suite for authors, and defects that it sees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest

from application.ports.cloud import Go, Observation, Phase, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.options import option
from domain.plans.action_types import stop
from domain.plans.proposal import ProposedAction
from infrastructure.openstack.actions.baremetal.node_power import ChangeNodePowerState
from infrastructure.openstack.actions.base import Handler, inverse
from infrastructure.openstack.actions.cinder.volume_migrate import VolumeMigrate
from infrastructure.openstack.actions.idle import Nop
from infrastructure.openstack.actions.nova.migrate import Migrate
from infrastructure.openstack.actions.nova.server_state import Stop
from infrastructure.openstack.actions.nova.service_state import ChangeNovaServiceState
from infrastructure.openstack.service import Json
from tests.unit.applier.reference_cloud import ReferenceCloud
from vigil.testing import HandlerConformance, SimulatedCloud, generated_cluster


def active(cloud: SimulatedCloud) -> Iterator[str]:
    """Ids of servers that can be acted on."""
    return (
        server["id"]
        for server in cloud.servers()
        if server["status"] == "ACTIVE"
        and not server["OS-EXT-STS:task_state"]
        and not server["locked"]
    )


POOLS = ("storage-1@hdd#bulk-1", "storage-1@hdd#bulk-2")
"""Two pools of one backend, so that a volume can go from one to the other."""


def migratable(cloud: SimulatedCloud) -> Iterator[Json]:
    """Volumes in these pools that Cinder would migrate."""
    cinder = cloud.clouds.block_storage
    everyone = {"all_tenants": "true"}
    copied = {one["volume_id"] for one in cinder.list_all("/snapshots", "snapshots", everyone)}
    ready = set(active(cloud))
    for volume in cinder.list_all("/volumes/detail", "volumes", everyone):
        users = {attachment["server_id"] for attachment in volume["attachments"]}
        if (
            volume["os-vol-host-attr:host"] in POOLS
            and volume["status"] in ("available", "in-use")
            and not volume["migration_status"]
            and volume["id"] not in copied
            and users <= ready
        ):
            yield volume


class TestStop(HandlerConformance):
    handler = Stop

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        return {"resource_id": next(active(cloud))}


class TestMigrate(HandlerConformance):
    handler = Migrate

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        chosen = next(active(cloud))
        source = next(
            server["OS-EXT-SRV-ATTR:host"] for server in cloud.servers() if server["id"] == chosen
        )
        return {"resource_id": chosen, "migration_type": "live", "source_node": source}


class TestService(HandlerConformance):
    handler = ChangeNovaServiceState

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        host = next(one["host"] for one in cloud.hosts() if one["status"] == "enabled")
        return {
            "resource_id": host,
            "resource_name": host,
            "state": "disabled",
            "disabled_reason": "test",
        }


class TestVolumeMigrate(HandlerConformance):
    handler = VolumeMigrate

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        volume = next(migratable(cloud))
        here = volume["os-vol-host-attr:host"]
        there = {POOLS[0]: POOLS[1], POOLS[1]: POOLS[0]}[here]
        return {
            "resource_id": volume["id"],
            "migration_type": "migrate",
            "destination_node": there,
        }


class TestRetype(HandlerConformance):
    handler = VolumeMigrate

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        volume = next(migratable(cloud))
        kind = "__DEFAULT__" if volume["volume_type"] == "hdd" else "hdd"
        return {
            "resource_id": volume["id"],
            "migration_type": "retype",
            "destination_type": kind,
        }


class TestNodePower(HandlerConformance):
    handler = ChangeNodePowerState

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        used = {server["OS-EXT-SRV-ATTR:host"] for server in cloud.servers()}
        nodes = cloud.clouds.baremetal.get("/nodes/detail")["nodes"]
        for node in nodes:
            if node["name"] not in used and not node["target_power_state"]:
                state = "off" if node["power_state"] == "power on" else "on"
                return {"resource_id": node["uuid"], "state": state}
        raise AssertionError("no host without servers")


class TestNodePowerInMaas(HandlerConformance):
    handler = ChangeNodePowerState
    repeatable = True  # MAAS does not show that a change is in progress
    cluster: ClassVar[dict[str, object]] = generated_cluster(hosts=40, servers=60)

    @classmethod
    def setup_class(cls) -> None:
        cls.cloud = SimulatedCloud(cls.cluster, maas=True)

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        """Each time another node: whether a change is in progress is not shown."""
        taken = {server["OS-EXT-SRV-ATTR:host"] for server in cloud.servers()} | self.seen
        nodes = {row.name: row.id for row in cloud.clouds.nodes.collect().nodes}
        name = min(nodes.keys() - taken)
        self.seen.add(name)
        return {"resource_id": nodes[name], "state": "off"}

    seen: ClassVar[set[str]] = set()


class TestNop(HandlerConformance):
    handler = Nop
    repeatable = True

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        del cloud
        return {"message": "hello"}


class TestReferenceCloud(HandlerConformance):
    """The fake that the tests of the applier execute."""

    handler = ReferenceCloud
    step: ClassVar[str | None] = None

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        del cloud
        return {"resource_id": "s"}

    def _made(self) -> Handler:
        made = ReferenceCloud()
        made.step = self.step
        return made


class TestReferenceCloudWithAStep(TestReferenceCloud):
    step = "confirm"


class Halt(Stop):
    """Stops servers; each defect below breaks one rule."""


class Careless(Halt):
    def check(self, parameters: JsonObject) -> Verdict:
        return self.precondition(parameters)


class Eager(Halt):
    """Stops the server while it checks."""

    def check(self, parameters: JsonObject) -> Verdict:
        found = super().check(parameters)
        if isinstance(found, Go):
            self.start(parameters, found.before)
        return found


class Forgetful(Halt):
    """Recognises its effect by the receipt alone."""

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        if receipt is None:
            return Observation(Phase.NEVER_STARTED, {})
        return super().observe(parameters, before, receipt)


class Hopeful(Halt):
    """Reports success without a look."""

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        del parameters, before, receipt
        return Observation(Phase.DONE, {})


class Irreversible(Halt):
    """Undoes itself although its declaration says that it cannot, or the other way round."""

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction:
        del before, outcome
        return ProposedAction("stop", str(parameters["resource_id"]), {}, because=None)  # type: ignore[arg-type]


class Undeclared(Halt):
    deadline = None  # type: ignore[assignment]


@dataclass(frozen=True)
class WaitOptions:
    seconds: int = option(1, "Seconds to wait.")


class Optional(Halt):
    options = WaitOptions


class Misspelt(ChangeNovaServiceState):
    """Its inverse has a parameter that the action type does not have."""

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction:
        del before, outcome
        return inverse("change_nova_service_state", parameters, {"sate": "enabled"})


@pytest.fixture(scope="module")
def cloud() -> Iterator[SimulatedCloud]:
    found = SimulatedCloud()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (Careless, "test_invalid_parameters_are_refused"),
        (Eager, "test_it_is_executed"),
        (Forgetful, "test_its_effect_is_recognised_without_the_receipt"),
        (Hopeful, "test_an_action_that_was_not_requested_is_not_done"),
        (Irreversible, "test_it_says_how_it_is_undone"),
        (Undeclared, "test_it_keeps_the_contract"),
    ],
)
def test_the_suite_sees_what_is_wrong_with_a_handler(
    cloud: SimulatedCloud, handler: type[Handler], name: str
) -> None:
    suite = type("Suite", (TestStop,), {"handler": Halt, "cloud": cloud})()
    check: Callable[[], None] = getattr(suite, name)
    check()
    suite.handler = handler
    with pytest.raises(AssertionError):
        check()


def test_the_suite_sees_that_an_inverse_action_is_invalid(cloud: SimulatedCloud) -> None:
    """Else the mistake would be seen when somebody undoes the action."""
    suite = type("Suite", (TestService,), {"handler": Misspelt, "cloud": cloud})()
    with pytest.raises(InvalidValue, match="sate"):
        suite.test_it_says_how_it_is_undone()


def test_a_cloud_makes_handlers_with_the_options_that_are_given(cloud: SimulatedCloud) -> None:
    """Tests of authors needed a handler; its limits are not public."""
    assert cloud.handler(Optional).options_as(WaitOptions).seconds == 1
    assert cloud.handler(Optional, WaitOptions(2)).options_as(WaitOptions).seconds == 2


def test_no_rule_of_the_suite_is_without_a_control() -> None:
    assert not stop.DECLARATION.compensable
    rules = {name for name in vars(HandlerConformance) if name.startswith("test_")}
    marks = test_the_suite_sees_what_is_wrong_with_a_handler.pytestmark  # type: ignore[attr-defined]
    assert {name for _, name in marks[0].args[1]} == rules
