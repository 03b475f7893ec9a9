"""An installation of Vigil on the cloud that the environment names."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import compute
from tests.cloud.strategies.auditing import Auditing
from tests.cloud.strategies.exporter import Measured, measured
from tests.cloud.strategies.zone import Zone, host_of
from tests.conformance.datasources.prometheus_server import missing
from tests.e2e.client.session import Session
from tests.integration.cli.running import running_vigil

LIMITS = ConnectionLimits(timeout=20.0, effect_timeout=60.0, settle=0.0)


@pytest.fixture(scope="module")
def zone(cloud_name: str) -> Iterator[Zone]:
    connection = connect(cloud_name, limits=LIMITS)
    nova = compute(connection, LIMITS)
    zones: dict[str, list[str]] = {}
    for service in nova.get("/os-services", {"binary": "nova-compute"})["services"]:
        if (service["status"], service["state"]) == ("enabled", "up"):
            zones.setdefault(service["zone"], []).append(service["host"])
    name = min(zones, key=lambda one: (-len(zones[one]), one))
    if len(zones[name]) < 3:
        pytest.skip("the cloud has no zone with three hosts")
    servers = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    taken = Counter(map(host_of, servers))
    wanted = {"service_type": "image", "interface": "public"}
    images = connection.session.get("/v2/images?status=active", endpoint_filter=wanted).json()
    flavors = nova.list_all("/flavors/detail", "flavors")
    smallest = min(flavors, key=lambda one: (one["ram"], one["vcpus"]))
    hosts = tuple(sorted(zones[name], key=lambda host: (taken[host], host)))
    yield Zone(nova, name, hosts, images["images"][0]["id"], smallest["id"])
    connection.session.session.close()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured | None]:
    if missing() is not None:
        yield None
        return
    with measured(tmp_path_factory.mktemp("prometheus")) as found:
        yield found


@pytest.fixture
def metrics(prometheus: Measured | None) -> Measured:
    if prometheus is None:
        pytest.skip(missing() or "")
    return prometheus


@pytest.fixture(scope="module")
def auditing(
    cloud_name: str,
    zone: Zone,
    prometheus: Measured | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Auditing]:
    folder: Path = tmp_path_factory.mktemp("vigil")
    options = {
        "DEFAULT.enable_authentication": "false",
        "collector.collector_plugins": "compute",
        "vigil.max_model_age": "0",
        "nova.migration_interval": "0.5",
    }
    if prometheus is not None:
        options["vigil.prometheus_url"] = prometheus.url
    words = [word for one in options.items() for word in ("--set", "=".join(one))]
    with running_vigil(folder / "data", "--cloud", cloud_name, *words) as vigil:
        with Session(vigil.start()["api_url"]) as client:
            yield Auditing(client, vigil, zone, folder)
        assert vigil.stop() == 0
    assert "Traceback" not in vigil.log()
