"""The cloud that the environment names."""

import os
from collections.abc import Iterator

import pytest
from openstack.connection import Connection

from infrastructure.openstack.connection import connect


@pytest.fixture(scope="session")
def cloud_name() -> str:
    """Its name in clouds.yaml; without one there is nothing to be tested."""
    name = os.environ.get("VIGIL_TEST_CLOUD")
    if not name:
        pytest.skip("VIGIL_TEST_CLOUD does not name a cloud")
    return name


@pytest.fixture
def connection(cloud_name: str) -> Iterator[Connection]:
    """A connection to it, closed at the end."""
    connection = connect(cloud_name)
    yield connection
    connection.session.session.close()
