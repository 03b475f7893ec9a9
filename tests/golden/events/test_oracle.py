"""The states of the golden stories, folded by Vigil and by code that shares nothing with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from application.replay.state_at import state_at
from infrastructure.event_log import open_event_log, upgrade
from tests.golden.events.generate import STATES, rows, stories
from tests.golden.events.oracle import hashes, state_hash

STORIES = {path.stem: path for path in stories()}


def folded(folder: Path, story: Path) -> dict[str, str]:
    """As ``oracle.hashes``, by the code that `vigil replay show` uses."""
    url = f"sqlite:///{folder / story.stem}.db"
    upgrade(url)
    log = open_event_log(url)
    told = rows(story)
    log._store.insert(
        [StoredEvent(UUID(row.aggregate), row.version, row.topic, bytes(row.state)) for row in told]
    )
    found = {
        f"{row.aggregate} v{row.version}": state_hash(
            state_at(log, UUID(row.aggregate), version=row.version).plain()
        )
        for row in told
    }
    log.close()
    return found


def lines(story: Path) -> list[dict[str, Any]]:
    return list(map(json.loads, story.read_text("utf-8").splitlines()))


@pytest.mark.parametrize("name", STORIES)
def test_an_independent_fold_of_the_stored_json_gives_the_same_states(
    tmp_path: Path, name: str
) -> None:
    told = lines(STORIES[name])
    by_vigil = folded(tmp_path, STORIES[name])
    assert by_vigil == hashes(told)
    told[1]["state"]["number"] += 1
    assert by_vigil != hashes(told), "the control: another history has another hash"


@pytest.mark.parametrize("name", STORIES)
def test_the_last_states_are_those_that_were_recorded(tmp_path: Path, name: str) -> None:
    by_vigil = folded(tmp_path, STORIES[name])
    last = {line["aggregate"]: line["version"] for line in lines(STORIES[name])}
    recorded = json.loads(STATES.read_text("utf-8"))[name]
    assert {one: by_vigil[f"{one} v{version}"] for one, version in last.items()} == recorded


@pytest.mark.slow
def test_states_depend_on_neither_hash_seed_nor_time_zone() -> None:
    def printed(seed: str, zone: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        command = [sys.executable, "-m", "tests.golden.events.test_oracle"]
        return subprocess.check_output(command, env=environment, text=True)

    one, other = printed("1", "UTC"), printed("4242", "Pacific/Kiritimati")
    assert len(one.splitlines()) == sum(len(lines(story)) for story in STORIES.values())
    assert one == other


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        for each in STORIES.values():
            print("\n".join(f"{key} {value}" for key, value in folded(Path(place), each).items()))
