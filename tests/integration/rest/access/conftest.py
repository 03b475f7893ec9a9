from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.rest.access.keystone import Keystone, a_keystone


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    with a_keystone(tmp_path_factory.mktemp("keystone")) as running:
        yield running


@pytest.fixture
def keystone(_running: Keystone, tmp_path: Path) -> Keystone:
    """A Keystone that a module shares; files go into the test's own directory."""
    return Keystone(_running.url, tmp_path)
