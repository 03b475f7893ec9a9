"""The simulator answers as a real OpenStack does: same status, same keys, same types.

Needs a real cloud with at least two hosts, a small server that may move, an aggregate and a
server group; `VIGIL_TEST_CLOUD` names its administrator in clouds.yaml. The server that is moved
is moved back.
"""

from typing import Any

import pytest

from tests.cloud.simulator.clouds import Subject, until
from tests.cloud.simulator.pairs import Pair, alike

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(300),
    # openstacksdk warns at every connection about an optional library that nobody here uses
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]

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
