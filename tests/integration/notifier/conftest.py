from collections.abc import Iterator
from pathlib import Path

import pytest

from application.kernel.retry import RetryPolicy
from application.notifier import publisher
from tests.world.world import World


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the pauses of publishers."""
    monkeypatch.setattr(publisher, "FLOOR", 0.05)
    monkeypatch.setattr(publisher, "STANDBY", 0.05)
    monkeypatch.setattr(publisher, "RETRY", RetryPolicy(first_pause=0.05, longest_pause=0.5))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A log and its read models."""
    with World(tmp_path) as opened:
        yield opened
