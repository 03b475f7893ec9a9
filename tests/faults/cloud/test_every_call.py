"""A fault of any single request of any action: the plan ends, nothing happens twice, no lie."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from application.ports.event_log import EventLog
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import INTERNAL_ERROR, Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import Action, ActionPlan, ActionState, PlanState
from domain.plans.proposal import PlannedAction, ProposedAction
from infrastructure.event_log import open_event_log, upgrade
from infrastructure.openstack.actions import handlers
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.plugins import Registry
from tests.conformance.actions.test_suite import POOLS, active, migratable
from tests.conformance.actions.test_volumes_and_nodes import empty_host, node_on
from tests.faults.cloud.interference import KINDS, Interference
from tests.unit.applier.bench import POLICY, Bench
from tests.unit.applier.reference_cloud import ReferenceCloud
from vigil.testing import SimulatedCloud


@pytest.fixture
def event_log(sqlite_url: str) -> Iterator[EventLog]:
    """On SQLite only: nothing here depends on the database."""
    upgrade(sqlite_url)
    log = open_event_log(sqlite_url)
    yield log
    log.close()


LIMITS = ConnectionLimits(timeout=10.0, effect_timeout=20.0, read_retries=0, settle=0.05)
HASTY = replace(POLICY, settle_time=0.1)
SPEED = 400.0
PLACES = 1000
"""More than any action sends requests."""
Parameters = Callable[[SimulatedCloud], JsonObject]


def _server(cloud: SimulatedCloud) -> dict[str, Any]:
    wanted = next(active(cloud))
    return next(one for one in cloud.servers() if one["id"] == wanted)


def _migration(kind: str) -> Parameters:
    def parameters(cloud: SimulatedCloud) -> JsonObject:
        server = _server(cloud)
        source = server["OS-EXT-SRV-ATTR:host"]
        return {"resource_id": server["id"], "migration_type": kind, "source_node": source}

    return parameters


def _of_server(**further: object) -> Parameters:
    return lambda cloud: {"resource_id": next(active(cloud)), **further}


def _resize(cloud: SimulatedCloud) -> JsonObject:
    server = _server(cloud)
    flavors = cloud.clouds.compute.list_all("/flavors/detail", "flavors", {"is_public": "none"})
    now = server["flavor"]
    smaller = [one for one in flavors if one["ram"] < now["ram"] and one["disk"] >= now["disk"]]
    return {"resource_id": server["id"], "flavor": (smaller or flavors)[0]["id"]}


def _service(cloud: SimulatedCloud) -> JsonObject:
    name = next(one["host"] for one in cloud.hosts() if one["status"] == "enabled")
    return {"resource_id": name, "resource_name": name, "state": "disabled"}


def _power(cloud: SimulatedCloud) -> JsonObject:
    return {"resource_id": node_on(cloud.clouds.nodes, empty_host(cloud)).id, "state": "off"}


def _volume(cloud: SimulatedCloud) -> JsonObject:
    volume = next(migratable(cloud))
    here = volume["os-vol-host-attr:host"]
    there = POOLS[1] if here == POOLS[0] else POOLS[0]
    return {"resource_id": volume["id"], "migration_type": "migrate", "destination_node": there}


def _retype(cloud: SimulatedCloud) -> JsonObject:
    volume = next(one for one in migratable(cloud) if one["volume_type"] == "hdd")
    return {"resource_id": volume["id"], "migration_type": "retype", "destination_type": "ssd"}


ACTIONS: dict[str, tuple[str, Parameters]] = {
    "live": ("migrate", _migration("live")),
    "cold": ("migrate", _migration("cold")),
    "resize": ("resize", _resize),
    "stop": ("stop", _of_server()),
    "shelve": ("shelve", _of_server()),
    "delete": ("delete", _of_server()),
    "disable": ("change_nova_service_state", _service),
    "power off": ("change_node_power_state", _power),
    "power off (MAAS)": ("change_node_power_state", _power),
    "volume": ("volume_migrate", _volume),
    "retype": ("volume_migrate", _retype),
    "nop": ("nop", lambda _: {"message": "hi"}),
    "sleep": ("sleep", lambda _: {"duration": 0.1}),
}


@dataclass(frozen=True)
class Ending:
    """How a plan of one action ended.

    Attributes:
        changes: the requests that the cloud accepted, without those for tokens.
        calls: the requests that were sent.
        unconfirmed: servers that wait for a person.
    """

    plan: ActionPlan
    action: Action
    changes: list[dict[str, Any]]
    calls: list[str]
    unconfirmed: list[str]


def ended(log: EventLog, label: str, place: int | None, kind: str) -> Ending:
    """Executes a plan of one action, of which one request is spoilt."""
    cloud = SimulatedCloud(speed=SPEED, maas="MAAS" in label)
    try:
        return _ended(log, cloud, label, place, kind)
    finally:
        cloud.close()


_CLEAN: dict[str, Ending] = {}


def clean_of(log: EventLog, label: str) -> Ending:
    """How the plan ends without a fault; it is executed once for all tests."""
    if label not in _CLEAN:
        _CLEAN[label] = ended(log, label, None, "")
    return _CLEAN[label]


def _ended(
    log: EventLog, cloud: SimulatedCloud, label: str, place: int | None, kind: str
) -> Ending:
    action_type, parameters = ACTIONS[label]
    given = parameters(cloud)
    resource = str(given.pop("resource_id", ""))
    proposed = ProposedAction(action_type, resource, given, Cause(FREES_HOST))
    bench = Bench(
        log,
        ReferenceCloud(),
        PlannedAction(proposed, ()),
        handlers=handlers(Registry().handlers, cloud.connection, LIMITS, nodes=cloud.clouds.nodes),
        number=PLACES * KINDS.index(kind) + place if place is not None else PLACES * len(KINDS),
    )
    before = len(journal(cloud))
    faults = Interference()
    faults.place, faults.kind = place, kind
    for session in cloud.sessions:
        session.mount("http://", faults)
    plan = bench.drive(policy=HASTY)
    faults.place = None
    calls = list(faults.calls)
    (action,) = plan.actions.values()
    waiting = [one["id"] for one in cloud.servers() if one["status"] == "VERIFY_RESIZE"]
    return Ending(plan, action, journal(cloud)[before:], calls, waiting)


def journal(cloud: SimulatedCloud) -> list[dict[str, Any]]:
    """Every request that changed something."""
    session = cloud.connection.session
    url = str(session.get_endpoint(service_type="compute")).partition("/compute")[0]
    headers = {"X-Auth-Token": str(session.get_token())}
    entries: list[dict[str, Any]] = session.get(f"{url}/vigil/journal", headers=headers).json()[
        "journal"
    ]
    return entries


def judge(end: Ending, clean: Ending) -> None:
    """What holds in every case."""
    assert end.plan.state in {PlanState.SUCCEEDED, PlanState.FAILED}
    assert len(end.changes) in {0, len(clean.changes)}, "each effect once, or none at all"
    assert end.unconfirmed == []
    if end.action.state is ActionState.SUCCEEDED:
        assert len(end.changes) == len(clean.changes), "success without the effect"
        return
    assert end.action.state is ActionState.FAILED
    assert end.changes == [], "a failure, and the effect took place"
    assert end.action.because is not None
    assert end.action.because.reason != INTERNAL_ERROR, end.action.because
    assert "spoilt" in str(end.action.because), "in the words of the cloud"


@pytest.mark.parametrize("label", ACTIONS)
def test_without_a_fault_each_action_has_its_effect_once(event_log: EventLog, label: str) -> None:
    """The control: what the other tests compare with."""
    end = ended(event_log, label, None, "")
    assert end.plan.state is PlanState.SUCCEEDED, end.action.because
    steps = {"cold": 2, "resize": 2, "nop": 0, "sleep": 0}
    assert len(end.changes) == steps.get(label, 1), end.changes


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", [one for one in ACTIONS if one not in {"nop", "sleep"}])
def test_a_fault_of_any_request_of_any_action_does_no_harm(
    event_log: EventLog, label: str, kind: str
) -> None:
    clean = clean_of(event_log, label)
    for place in range(len(clean.calls)):
        end = ended(event_log, label, place, kind)
        try:
            judge(end, clean)
        except AssertionError as wrong:
            spoilt = f"{kind} at request {place} of {label}: {end.calls}"
            raise AssertionError(f"{spoilt}: {end.action}: {end.changes}") from wrong


def _of_the_effect(clean: Ending) -> Iterator[int]:
    return (place for place, call in enumerate(clean.calls) if not call.startswith("GET"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_the_requests_that_change_something_does_no_harm(
    event_log: EventLog, kind: str
) -> None:
    """Those of a cold migration: the request and its confirmation."""
    clean = clean_of(event_log, "cold")
    for place in _of_the_effect(clean):
        judge(ended(event_log, "cold", place, kind), clean)
