"""The states of the golden story, folded by Vigil and by code that shares nothing with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent

from application.replay.state_at import state_at
from infrastructure.event_log import open_event_log, upgrade
from tests.golden.events.generate import STORY, Row
from tests.golden.events.oracle import hashes, state_hash


def folded(folder: Path) -> dict[str, str]:
    """As ``oracle.hashes``, by the code that `vigil replay show` uses."""
    url = f"sqlite:///{folder / 'events.db'}"
    upgrade(url)
    log = open_event_log(url)
    rows = [msgspec.json.decode(text, type=Row) for text in STORY.read_bytes().splitlines()]
    log._store.insert(
        [StoredEvent(UUID(row.aggregate), row.version, row.topic, bytes(row.state)) for row in rows]
    )
    found = {
        f"{row.aggregate} v{row.version}": state_hash(
            state_at(log, UUID(row.aggregate), version=row.version).plain()
        )
        for row in rows
    }
    log.close()
    return found


def test_an_independent_fold_of_the_stored_json_gives_the_same_states(tmp_path: Path) -> None:
    lines = list(map(json.loads, STORY.read_text().splitlines()))
    by_vigil = folded(tmp_path)
    assert by_vigil == hashes(lines)
    lines[1]["state"]["number"] += 1
    assert by_vigil != hashes(lines), "the control: another history has another hash"


@pytest.mark.slow
def test_states_depend_on_neither_hash_seed_nor_time_zone() -> None:
    def printed(seed: str, zone: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        command = [sys.executable, "-m", "tests.golden.events.test_oracle"]
        return subprocess.check_output(command, env=environment, text=True)

    assert len(printed("1", "UTC").splitlines()) > 20
    assert printed("1", "UTC") == printed("4242", "Pacific/Kiritimati")


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        print("\n".join(f"{key} {value}" for key, value in folded(Path(place)).items()))
