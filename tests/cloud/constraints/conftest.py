from collections.abc import Iterator

import pytest

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import compute
from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court

LIMITS = ConnectionLimits(timeout=30.0, effect_timeout=60.0, read_retries=2)


@pytest.fixture(scope="session")
def ground(cloud_name: str) -> Iterator[Situations]:
    """A real cloud, which is left as it was found."""
    connection = connect(cloud_name, limits=LIMITS)
    ground = Situations(connection, compute(connection, LIMITS))
    try:
        yield ground
    finally:
        ground.clean()
    assert ground.remains() == []
    connection.session.session.close()


@pytest.fixture(scope="session")
def court(ground: Situations) -> Court:
    """Where moves are judged."""
    return Court(ground)


@pytest.fixture(scope="session")
def plain(ground: Situations) -> str:
    """A tiny server that no rule binds. Tests leave it idle, on whatever host."""
    return ground.server(host=ground.names()[0])
