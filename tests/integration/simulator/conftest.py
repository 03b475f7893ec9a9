from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.simulator.clients import SPEED, Client, small_cloud


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for a module's files."""
    return tmp_path_factory.mktemp("simulator")


@pytest.fixture(scope="module")
def simulator(folder: Path) -> Iterator[Simulator]:
    """The small cloud, answering over HTTP."""
    running = Simulator(SimulatorConfig(cluster_file=small_cloud(folder), speed=SPEED))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def _admin(simulator: Simulator, folder: Path) -> Iterator[Client]:
    client = Client(simulator.base_url, folder)
    yield client
    client.sdk.close()


@pytest.fixture
def cloud(_admin: Client) -> Iterator[Client]:
    """The administrator's client; faults that a test leaves behind are removed."""
    yield _admin
    assert _admin.ask("DELETE", "/vigil/faults").status_code == 200


@pytest.fixture(scope="module")
def member(simulator: Simulator, folder: Path) -> Iterator[Client]:
    """A plain member's client."""
    client = Client(simulator.base_url, folder, "simulator-demo")
    yield client
    client.sdk.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add what is true of every test here."""
    here = Path(__file__).parent
    # openstacksdk warns of an optional library that nobody here uses, and of its own old methods
    # that it calls itself
    harmless = pytest.mark.filterwarnings(
        "ignore:Support for InfluxDB",
        "ignore::openstack.warnings.RemovedInSDK50Warning",
    )
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(harmless)
