from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.rest.house import House, a_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house of the test's own, with nothing but the catalogue in it."""
    with a_house(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that the tests of a module share: what a test finds there may be another's."""
    with a_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened
