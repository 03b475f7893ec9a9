"""The simulator's Cinder and Ironic, read over HTTP as any other cloud's."""

from collections.abc import Iterator

import pytest
from openstack.connection import Connection

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.baremetal.maas import MaasNodes
from infrastructure.openstack.baremetal.maas_api import MaasApi
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.probes import probe
from infrastructure.settings import SettingsError, load
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from infrastructure.simulator.baremetal.maas import API_KEY
from interfaces.bootstrap.cloud import nodes


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A simulated cloud, reached as any other."""
    running = Simulator(SimulatorConfig(hosts=20, servers=200))
    running.start()
    file = tmp_path_factory.mktemp("twin") / "clouds.yaml"
    file.write_text(clouds_yaml(running.base_url))
    connection = connect("simulator", file)
    yield connection
    connection.session.session.close()
    connection.close()
    running.stop()


def test_the_simulators_storage_becomes_a_model(twin: Connection) -> None:
    small = CinderCollector(twin, ConnectionLimits(page=10)).collect()
    found = CinderCollector(twin).collect()
    assert found.calls == 5
    assert sorted(row.id for row in small.volumes) == sorted(row.id for row in found.volumes)
    model, quarantined = StorageModel.build(found.nodes, found.pools, found.volumes, found.types)
    assert quarantined == ()
    assert len(model.volumes) == len(found.volumes) > 40
    assert model.volumes.snapshots.sum() > 0
    assert model.size_per_pool.tolist() == model.pools.allocated_gb.tolist()
    again, _ = StorageModel.build(small.nodes, small.pools, small.volumes, small.types)
    assert again.to_columns() == model.to_columns()


@pytest.mark.parametrize("kind", ModelKind)
def test_every_service_of_the_simulator_answers_a_probe(
    twin: Connection, limits: ConnectionLimits, kind: ModelKind
) -> None:
    probe(twin, limits, IronicNodes(twin, limits), kind)


def test_maas_manages_the_bare_metal_if_its_url_is_set(twin: Connection) -> None:
    assert isinstance(nodes(load().settings, twin), IronicNodes)
    chosen = {"maas_client.url": "http://maas:5240/MAAS", "maas_client.api_key": "a:b:c"}
    assert isinstance(nodes(load(flags=chosen).settings, twin), MaasNodes)
    for name, value in chosen.items():
        with pytest.raises(SettingsError, match=r"must be set together with \[maas_client\] url"):
            load(flags={name: value})
    with pytest.raises(SettingsError, match="three parts separated by colons") as refusal:
        load(flags={**chosen, "maas_client.api_key": "hush"})
    assert "hush" not in str(refusal.value)


def test_the_simulators_machines_are_below_its_hosts(twin: Connection) -> None:
    found = IronicNodes(twin, ConnectionLimits(page=7)).collect()
    model, quarantined = BaremetalModel.build(found.nodes)
    assert quarantined == ()
    assert found.calls == 3
    hosts = NovaCollector(twin).collect().hosts
    assert model.by_compute_node.keys() == {host.id for host in hosts}
    assert model.nodes.maintenance.sum() == 1


def test_maas_has_the_same_machines_by_the_names_of_their_hosts(twin: Connection) -> None:
    """So its model has what ``saving_energy`` needs."""
    ironic = str(twin.session.get_endpoint(service_type="baremetal", interface="public"))
    api = MaasApi(ironic.replace("/baremetal", "/MAAS"), API_KEY, timeout=10.0, read_retries=0)
    found = MaasNodes(api).collect()
    model, quarantined = BaremetalModel.build(found.nodes)
    assert quarantined == ()
    hosts = NovaCollector(twin).collect().hosts
    assert model.by_compute_node.keys() == {one.hypervisor_hostname or one.name for one in hosts}
    other, _ = BaremetalModel.build(IronicNodes(twin).collect().nodes)
    assert model.powered.sum() == other.powered.sum() > 0
    api.session.close()
