"""Both clouds, each with something to show."""

from collections.abc import Iterator

import openstack
import pytest

from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from tests.cloud.simulator.clouds import Subject
from tests.cloud.simulator.pairs import Pair, live, moved


@pytest.fixture(scope="session")
def real(cloud_name: str) -> Subject:
    """The cloud that the environment names."""
    return Subject(openstack.connect(cloud=cloud_name))


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def pair(real: Subject, simulated: Subject) -> Pair:
    """Both, each with a refused and a finished migration to show."""
    for cloud in (real, simulated):
        server = cloud.movable()
        own = server["OS-EXT-SRV-ATTR:host"]
        assert live(cloud, server["id"], own, "2.30").status == 400
        moved(cloud, server)
    return Pair(real, simulated)
