from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A log and its read models."""
    with World(tmp_path) as opened:
        yield opened
