import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.event_log import SqlEventLog
from interfaces.cli.main import main
from tests.world.histories import ShortHistory, short_history


class Cli:
    """Runs `vigil replay …` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def fails(self, *words: str) -> str:
        assert main(["replay", *words]) == 1
        return self._capsys.readouterr().err

    def ends(self, code: int, *words: str) -> str:
        assert main(["replay", *words]) == code
        return self._capsys.readouterr().out

    def both(self, *words: str) -> tuple[str, str]:
        assert main(["replay", *words]) == 0
        return self._capsys.readouterr()

    def errors(self) -> str:
        return self._capsys.readouterr().err

    def text(self, *words: str) -> str:
        return self.ends(0, *words)

    def lines(self, *words: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text(*words, "--json").splitlines()]

    def state(self, *words: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.text("show", *words, "--json"))
        return found


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


@pytest.fixture
def story(event_log: SqlEventLog) -> ShortHistory:
    return short_history(event_log)


@pytest.fixture
def settings(event_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands use the database of ``event_log``."""
    monkeypatch.setenv("VIGIL_DATABASE_CONNECTION", event_database)
    monkeypatch.setenv("VIGIL_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Commands set up logging for their process; tests share theirs."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
