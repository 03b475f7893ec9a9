from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from infrastructure.openstack.connection import ConnectionLimits, connect
from tests.integration.openstack.scripted import ScriptedCloud


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    scripted = ScriptedCloud()
    yield scripted
    scripted.close()


@pytest.fixture
def limits() -> ConnectionLimits:
    return ConnectionLimits(timeout=5.0, effect_timeout=5.0, read_retries=1, settle=0.0)


@pytest.fixture
def connection(
    cloud: ScriptedCloud, tmp_path: Path, limits: ConnectionLimits
) -> Iterator[Connection]:
    connection = connect("scripted", cloud.clouds_yaml(tmp_path), limits)
    yield connection
    connection.session.session.close()
    connection.close()
