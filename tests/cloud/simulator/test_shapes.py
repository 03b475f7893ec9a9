"""The simulator answers as a real OpenStack does: same status, same keys, same types.

Needs a real cloud with at least two hosts, a small server that may move, an aggregate and a
server group; `VIGIL_TEST_CLOUD` names its administrator in clouds.yaml. The server that is moved
is moved back.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import openstack
import pytest

from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from tests.cloud.simulator.clouds import Answer, Subject, until
from tests.cloud.simulator.shapes import differences

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(300),
    # openstacksdk warns at every connection about an optional library that nobody here uses
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]

# What may differ, and why.
TOLERATED = frozenset(
    {
        "$.versions",  # the real one also lists v2.0; and its v2.1 entry is checked by /v2.1
        "$.token.catalog",  # each cloud has its own services; checked by /auth/catalog
        "$.availabilityZoneInfo[].hosts",  # host names are keys; checked by os-services
    }
)

VERSIONS = ("2.1", "2.11", "2.30", "2.53", "2.60", "2.75", "2.80", "2.88", "2.96")
COMPUTE = (
    "",
    "/servers?all_tenants=1&limit=2",
    "/servers/detail?all_tenants=1&limit=2",
    "/servers/detail?all_tenants=1",
    "/servers/detail?all_tenants=1&host={host}",
    "/servers/{server}",
    "/servers/{server}/metadata",
    "/servers/{server}/migrations",
    "/servers/{server}/os-instance-actions",
    "/servers/{server}/os-instance-actions/{action}",
    "/servers/11111111-2222-4333-8444-555555555555",
    "/servers/{server}/migrations/999999",
    "/servers/{server}/os-instance-actions/req-none",
    "/os-hypervisors",
    "/os-hypervisors/detail",
    "/os-hypervisors/detail?with_servers=true",
    "/os-services",
    "/os-services?binary=nova-compute&host={host}",
    "/os-migrations?status=completed",  # those in progress are compared while one is
    "/os-migrations?status=error&limit=1",
    "/os-migrations?unknown=1",
    "/os-aggregates",
    "/os-aggregates/{aggregate}",
    "/os-aggregates/999999",
    "/os-server-groups?all_projects=1",
    "/os-server-groups/{group}",
    "/os-availability-zone",
    "/os-availability-zone/detail",
    "/flavors",
    "/flavors/detail",
    "/flavors/{flavor}",
    "/flavors/nope",
    "/flavors/{flavor}/os-extra_specs",
)
FROM_UUIDS_ON = (
    "/os-hypervisors/{hypervisor}",
    "/os-hypervisors/{hypervisor}?with_servers=true",
    "/os-hypervisors?with_servers=true&hypervisor_hostname_pattern={host}",
    "/os-hypervisors?hypervisor_hostname_pattern=no-such-host",
    "/os-hypervisors/11111111-2222-4333-8444-555555555555",
    "/os-hypervisors/nope",
)
PLACEMENT_VERSIONS = ("1.0", "1.14", "1.28", "1.39")
PROVIDER = "/resource_providers/{hypervisor}"
PLACEMENT = (
    "",
    "/resource_providers",
    "/resource_providers?name={host}",
    "/resource_providers?unknown=1",
    PROVIDER,
    f"{PROVIDER}/inventories",
    f"{PROVIDER}/inventories/VCPU",
    f"{PROVIDER}/inventories/NOPE",
    f"{PROVIDER}/usages",
    f"{PROVIDER}/aggregates",
    f"{PROVIDER}/traits",
    f"{PROVIDER}/allocations",
    "/allocations/{server}",
    "/allocations/11111111-2222-4333-8444-555555555555",
    "/resource_providers/11111111-2222-4333-8444-555555555555",
    "/resource_providers/11111111-2222-4333-8444-555555555555/usages",
    "/no-such-thing",
)
IDENTITY = (
    "",
    "/auth/catalog",
    "/auth/projects",
    "/users",
    "/projects",
    "/roles",
    "/domains",
    "/regions",
    "/services",
    "/endpoints",
    "/users/nope",
    "/projects/nope",
)


@dataclass(frozen=True)
class Pair:
    """Both clouds."""

    real: Subject
    simulated: Subject

    def same(self, service: str, method: str, path: str, *rest: Any) -> tuple[Answer, Answer]:
        """Ask both the same and compare."""
        answers = (
            self.real.ask(service, method, path.format(**self.real.ids), *rest),
            self.simulated.ask(service, method, path.format(**self.simulated.ids), *rest),
        )
        if service == "placement" and answers[0].status >= 400:
            answers = (_without_vary(answers[0]), _without_vary(answers[1]))
        return alike(*answers)


def _without_vary(answer: Answer) -> Answer:
    """Placement announces the header on some of its refusals only, by where they are raised."""
    return replace(answer, headers=answer.headers - {"vary"})


def alike(real: Answer, simulated: Answer) -> tuple[Answer, Answer]:
    """Fail where two answers differ in form."""
    assert simulated.status == real.status, (real.body, simulated.body)
    assert simulated.headers == real.headers
    assert differences(real.shape, simulated.shape, TOLERATED) == []
    return real, simulated


@pytest.fixture(scope="module")
def real() -> Subject:
    """The cloud that the environment names."""
    name = os.environ.get("VIGIL_TEST_CLOUD")
    if not name:
        pytest.skip("VIGIL_TEST_CLOUD names no cloud")
    return Subject(openstack.connect(cloud=name))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A simulated one."""
    simulator = Simulator(SimulatorConfig(hosts=6, servers=40, seed=3))
    simulator.start()
    file = tmp_path_factory.mktemp("simulator") / "clouds.yaml"
    file.write_text(clouds_yaml(simulator.base_url))
    config = openstack.config.loader.OpenStackConfig(
        config_files=[str(file)], load_envvars=False
    ).get_one(cloud="simulator")
    with openstack.connection.Connection(config=config) as connection:
        yield Subject(connection)
    simulator.stop()


@pytest.fixture(scope="module")
def pair(real: Subject, simulated: Subject) -> Pair:
    """Both, each with a refused and a finished migration to show."""
    for cloud in (real, simulated):
        server = cloud.movable()
        own = server["OS-EXT-SRV-ATTR:host"]
        assert _live(cloud, server["id"], own, "2.30").status == 400
        _moved(cloud, server)
    return Pair(real, simulated)


def _live(cloud: Subject, server_id: str, host: str | None, version: str) -> Answer:
    action = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
    return cloud.act(server_id, action, version)


def _moved(cloud: Subject, server: dict[str, Any]) -> None:
    """Move a server away and back."""
    for host in (None, server["OS-EXT-SRV-ATTR:host"]):
        asked = _live(cloud, server["id"], host, "2.30")
        assert asked.status == 202, asked.body
        cloud.settled(server["id"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", COMPUTE)
def test_nova_documents_have_the_same_form(pair: Pair, path: str, version: str) -> None:
    pair.same("compute", "GET", path, version)


@pytest.mark.parametrize("version", [v for v in VERSIONS if v >= "2.53"])
@pytest.mark.parametrize("path", FROM_UUIDS_ON)
def test_hypervisors_have_the_same_form(pair: Pair, path: str, version: str) -> None:
    pair.same("compute", "GET", path, version)


@pytest.mark.parametrize("version", PLACEMENT_VERSIONS)
@pytest.mark.parametrize("path", PLACEMENT)
def test_placement_documents_have_the_same_form(pair: Pair, path: str, version: str) -> None:
    pair.same("placement", "GET", path, version)


@pytest.mark.parametrize("path", IDENTITY)
def test_keystone_documents_have_the_same_form(pair: Pair, path: str) -> None:
    pair.same("identity", "GET", path)


@pytest.mark.parametrize("methods", [["password"], [], ["nonsense"]], ids=str)
@pytest.mark.parametrize("password", [None, "wrong"], ids=["right", "wrong"])
@pytest.mark.parametrize("scope", ["project", "system", "elsewhere", "unscoped"])
def test_tokens_are_issued_alike(
    pair: Pair, scope: str, password: str | None, methods: list[str]
) -> None:
    scopes = {
        "project": {"project": {"name": "admin", "domain": {"id": "default"}}},
        "system": {"system": {"all": True}},
        "elsewhere": {"project": {"name": "no-such-project", "domain": {"id": "default"}}},
    }
    answers = []
    for cloud in (pair.real, pair.simulated):
        given = cloud.connection.config.config["auth"]
        user = {
            "name": given["username"],
            "domain": {"id": "default"},
            "password": password or given["password"],
        }
        body: dict[str, Any] = {"identity": {"methods": methods, "password": {"user": user}}}
        if scope in scopes:
            body["scope"] = scopes[scope]
        answers.append(cloud.ask("identity", "POST", "/auth/tokens", None, {"auth": body}))
    alike(*answers)


@pytest.mark.parametrize("query", ["", "?nocatalog"])
@pytest.mark.parametrize("subject", ["own", "forged"])
def test_tokens_are_validated_alike(pair: Pair, subject: str, query: str) -> None:
    answers = []
    for cloud in (pair.real, pair.simulated):
        own = str(cloud.connection.session.get_token())
        headers = {"X-Subject-Token": own if subject == "own" else "forged"}
        answers.append(cloud.ask("identity", "GET", f"/auth/tokens{query}", headers=headers))
    alike(*answers)


@pytest.mark.parametrize(("service", "version"), [("compute", "2.999"), ("compute", "x")])
def test_impossible_microversions_are_refused_alike(pair: Pair, service: str, version: str) -> None:
    pair.same(service, "GET", "/servers", version)


def test_placement_refuses_an_impossible_microversion_alike(pair: Pair) -> None:
    real = pair.real.ask("placement", "GET", "/resource_providers", "1.999")
    simulated = pair.simulated.ask("placement", "GET", "/resource_providers", "1.999")
    assert simulated.status == real.status == 406


@pytest.mark.parametrize("version", ["2.30", "2.96"])
@pytest.mark.parametrize(
    "action",
    [
        {"confirmResize": None},
        {"revertResize": None},
        {"os-start": None},
        {"unpause": None},
        {"unshelve": None},
        {"no-such-action": None},
        {"os-migrateLive": {"host": "no-such-host", "block_migration": "auto"}},
        {"os-migrateLive": {"block_migration": "auto"}},
        {"os-migrateLive": {"host": None, "block_migration": "auto", "unknown": 1}},
        {"resize": {"flavorRef": "no-such-flavor"}},
        {"resize": {}},
    ],
    ids=str,
)
def test_impossible_actions_are_refused_alike(
    pair: Pair, action: dict[str, Any], version: str
) -> None:
    pair.same("compute", "POST", "/servers/{server}/action", version, action)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": "nonsense"},
        {"status": "enabled", "disabled_reason": "x"},
        {"forced_down": "nonsense"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_impossible_service_changes_are_refused_alike(pair: Pair, change: dict[str, Any]) -> None:
    pair.same("compute", "PUT", "/os-services/{service}", "2.96", change)


def test_a_live_migration_runs_alike(pair: Pair) -> None:
    """Accepted, refused while it runs, seen in progress, done, and told by its history."""
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        place = f"/servers/{server['id']}/migrations"
        accepted = _live(cloud, server["id"], None, "2.96")
        again = _live(cloud, server["id"], None, "2.96")
        stopped = cloud.act(server["id"], {"os-stop": None}, "2.96")
        until(lambda c=cloud, p=place: _running(c, p), "it runs")  # type: ignore[misc]
        answers = [accepted, again, stopped]
        answers += [cloud.ask("compute", "GET", place, v) for v in ("2.23", "2.59", "2.80")]
        number = answers[-1].body["migrations"][0]["id"]
        answers.append(cloud.ask("compute", "GET", f"{place}/{number}", "2.80"))
        query = f"/os-migrations?instance_uuid={server['id']}&status=running"
        answers += [cloud.ask("compute", "GET", query, v) for v in ("2.23", "2.59", "2.80")]
        answers.append(cloud.ask("placement", "GET", f"/allocations/{server['id']}", "1.39"))
        cloud.settled(server["id"])
        answers += _history(cloud, server["id"])
        assert _live(cloud, server["id"], server["OS-EXT-SRV-ATTR:host"], "2.30").status == 202
        cloud.settled(server["id"])
        seen[name] = answers
    assert [a.status for a in seen["real"][:3]] == [202, 409, 409]
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)


def _running(cloud: Subject, place: str) -> bool:
    migrations = cloud.get(place)["migrations"]
    return bool(migrations) and migrations[0]["status"] == "running"


def _history(cloud: Subject, server_id: str) -> list[Answer]:
    """The newest instance action and migration, finished, and what the history is made of."""
    place = f"/servers/{server_id}/os-instance-actions"

    def newest() -> Any:
        return cloud.get(place)["instanceActions"][0]

    action = newest()
    query = f"/os-migrations?instance_uuid={server_id}&limit=1"
    # the server is ACTIVE a moment before its migration is completed
    until(lambda: "links" not in cloud.get(query)["migrations"][0], "it is over")
    answers = [cloud.ask("compute", "GET", f"{place}/{action['request_id']}", "2.96")]
    return [*answers, cloud.ask("compute", "GET", query, "2.96")]


def test_a_live_migration_can_be_aborted_alike(pair: Pair) -> None:
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        place = f"/servers/{server['id']}/migrations"
        assert _live(cloud, server["id"], None, "2.30").status == 202
        until(lambda c=cloud, p=place: _running(c, p), "it runs")  # type: ignore[misc]
        number = cloud.get(place)["migrations"][0]["id"]
        answers = [cloud.ask("compute", "DELETE", f"{place}/{number}", "2.96")]
        after = cloud.settled(server["id"])
        assert after["OS-EXT-SRV-ATTR:host"] == server["OS-EXT-SRV-ATTR:host"]
        answers.append(cloud.ask("compute", "DELETE", f"{place}/{number}", "2.96"))
        query = f"/os-migrations?instance_uuid={server['id']}&limit=1"
        newest = cloud.get(query)["migrations"][0]
        assert (newest["id"], newest["status"]) == (number, "cancelled")
        seen[name] = answers + _history(cloud, server["id"])
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)


def test_a_live_migration_that_the_scheduler_refuses_later_fails_alike(pair: Pair) -> None:
    """From 2.34 on the answer is 202; the migration ends in error and the history says Error."""
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        own = server["OS-EXT-SRV-ATTR:host"]
        answers = [_live(cloud, server["id"], own, "2.34")]
        cloud.settled(server["id"])
        answers += _history(cloud, server["id"])
        seen[name] = answers
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)
        assert real.status in {200, 202}
    assert seen["real"][1].body["instanceAction"]["message"] == "Error"
    assert seen["simulated"][1].body["instanceAction"]["message"] == "Error"
    assert seen["simulated"][2].body["migrations"][0]["status"] == "error"


def test_a_service_is_disabled_and_enabled_alike(pair: Pair) -> None:
    place = "/os-services/{service}"
    try:
        pair.same(
            "compute", "PUT", place, "2.96", {"status": "disabled", "disabled_reason": "rehearsal"}
        )
        for cloud in (pair.real, pair.simulated):
            assert "COMPUTE_STATUS_DISABLED" in _traits(cloud)
        pair.same("compute", "GET", "/os-services", "2.96")
    finally:
        pair.same("compute", "PUT", place, "2.96", {"status": "enabled"})
    for cloud in (pair.real, pair.simulated):
        until(lambda c=cloud: "COMPUTE_STATUS_DISABLED" not in _traits(c), "enabled")  # type: ignore[misc]


def _traits(cloud: Subject) -> list[str]:
    services = cloud.get("/os-services?binary=nova-compute")["services"]
    host = next(s["host"] for s in services if s["id"] == cloud.ids["service"])
    hypervisors = cloud.get("/os-hypervisors")["hypervisors"]
    provider = next(h["id"] for h in hypervisors if h["hypervisor_hostname"] == host)
    answer = cloud.ask("placement", "GET", f"/resource_providers/{provider}/traits", "1.39")
    traits: list[str] = answer.body["traits"]
    return traits


def test_a_cold_migration_is_confirmed_alike(pair: Pair) -> None:
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        answers = [cloud.act(server["id"], {"migrate": {"host": None}}, "2.96")]
        cloud.settled(server["id"], "VERIFY_RESIZE")
        answers.append(cloud.ask("compute", "GET", f"/servers/{server['id']}", "2.96"))
        answers += _history(cloud, server["id"])
        migration = answers[-1].body["migrations"][0]
        for consumer in (server["id"], migration["uuid"]):
            answers.append(cloud.ask("placement", "GET", f"/allocations/{consumer}", "1.39"))
        answers.append(_live(cloud, server["id"], None, "2.96"))
        answers.append(cloud.act(server["id"], {"revertResize": None}, "2.96"))
        back = cloud.settled(server["id"])
        assert back["OS-EXT-SRV-ATTR:host"] == server["OS-EXT-SRV-ATTR:host"]
        seen[name] = answers + _history(cloud, server["id"])
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)
