"""A process one of whose threads ends by an error ends, too: it would only seem to work."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.settings import load
from interfaces.bootstrap.database import upgrade
from interfaces.bootstrap.roles import collector, run_role


def _raise() -> None:
    raise RuntimeError("seeded")


@pytest.mark.parametrize(("work", "status"), [(_raise, 1), (lambda: None, 0)])
def test_a_role_whose_thread_dies_ends_with_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    work: Callable[[], None],
    status: int,
) -> None:
    """The listener's thread died with one raw traceback, and its process was ACTIVE for ever."""
    settings = load(flags={"vigil.data_dir": str(tmp_path)}, files=()).settings
    upgrade(settings)
    stop = threading.Event()

    def role() -> None:
        thread = threading.Thread(target=work, name="seeded thread")
        thread.start()
        thread.join()
        assert stop.is_set() == bool(status)

    monkeypatch.setattr(collector, "prepare", lambda *_: role)
    assert run_role("collector", settings, stop) == status
    errors = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert any("seeded thread" in error for error in errors) == bool(status)
