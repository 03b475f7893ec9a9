import os
from collections.abc import Iterator

import pytest

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import compute
from tests.conformance.actions.driving import Acts, watched
from tests.conformance.actions.ground import Ground, service_of
from tests.conformance.actions.real import RealGround
from tests.conformance.actions.simulated import SimulatedGround
from tests.world.plugins import handlers

LIMITS = ConnectionLimits(timeout=20.0, effect_timeout=60.0, read_retries=0, settle=0.0)


@pytest.fixture(scope="session")
def real_ground() -> Iterator[RealGround]:
    name = os.environ.get("VIGIL_TEST_CLOUD")
    if not name:
        pytest.skip("VIGIL_TEST_CLOUD does not name a cloud")
    connection = connect(name, limits=LIMITS)
    ground = RealGround(connection, compute(connection, LIMITS))
    yield ground
    ground.clean()
    connection.session.session.close()


@pytest.fixture(scope="session")
def simulated_ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGround]:
    ground = SimulatedGround(tmp_path_factory.mktemp("ground"), LIMITS)
    yield ground
    ground.close()


@pytest.fixture(
    params=["simulated_ground", pytest.param("real_ground", marks=pytest.mark.cloud)],
    ids=["simulated", "real"],
)
def ground(request: pytest.FixtureRequest) -> Ground:
    found: Ground = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def acts(ground: Ground) -> Acts:
    """The handlers, on the ground; their observations may only read."""
    return watched(handlers(ground.connection, LIMITS), ground.connection)


@pytest.fixture
def host(ground: Ground) -> Iterator[str]:
    """A host that may be disabled; it is enabled again afterwards."""
    name = ground.spare_host()
    yield name
    service = service_of(ground.nova, name)
    if service["status"] != "enabled":
        ground.nova.send_once("PUT", f"/os-services/{service['id']}", {"status": "enabled"})
