import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.projections import Projector, all_projections
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import SqlRecords, open_event_log, open_records
from infrastructure.read_models import SqlProjectionStore, open_engine, views_url
from interfaces.cli.main import main
from tests.conformance.records.rows import grow_old
from tests.conformance.records.test_inventory import model
from tests.world.histories import short_history


def project(url: str) -> None:
    """Lets the read models reach the end of the log."""
    log, engine = open_event_log(url), open_engine(views_url(url))
    store = SqlProjectionStore(engine)
    Projector(log, store, all_projections(next_match), SystemClock()).catch_up()
    engine.dispose()
    log.close()


@pytest.fixture
def records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[SqlRecords]:
    """The records of an installation that nothing runs on: two old models, one in use."""
    main(["db", "upgrade", "--data", str(tmp_path)])
    capsys.readouterr()
    url = f"sqlite:///{tmp_path / 'vigil.sqlite'}"
    store = open_records(url)
    store.put(model(1))
    store.put(json.dumps({"model_digest": store.put(model(2))}).encode())
    grow_old(url, days=40)
    store.put(model(3))
    yield store
    store.close()


def test_pruning_is_told_first_and_done_when_asked_for(
    records: SqlRecords, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(f"sqlite:///{tmp_path / 'vigil.sqlite'}")
    data = ["--data", str(tmp_path)]
    assert main(["records", "prune", *data]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[0].split()[:4] == ["to", "delete", "1", "records"]
    assert output[1].split()[:3] == ["kept", "2", "records"]
    assert output[2].split()[:3] == ["kept", "1", "records"]
    assert output[3] == "nothing was deleted; --apply deletes them"
    assert len(list(records.inventory())) == 4

    assert main(["records", "prune", "--keep", "60", "--json", *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["keep_days"], found["unneeded"]) == (60, {"records": 0, "bytes": 0})

    assert main(["records", "prune", "--apply", "--json", *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["applied"]
    assert found["unneeded"]["records"] == 1
    assert found["unneeded"]["bytes"] > 0
    assert len(list(records.inventory())) == 3


@pytest.mark.usefixtures("records")
def test_pruning_is_refused_in_one_line_while_the_read_models_are_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.records.pruning.CATCH_UP_TIMEOUT", 0.05)
    log = open_event_log(f"sqlite:///{tmp_path / 'vigil.sqlite'}")
    short_history(log)
    log.close()
    assert main(["records", "prune", "--apply", "--data", str(tmp_path)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("vigil: error: the read models are behind the event log")
    assert complaint.count("\n") == 1


@pytest.mark.usefixtures("records")
def test_less_than_a_day_is_no_keep_period(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["records", "prune", "--keep", "0", "--data", str(tmp_path)]) == 2
    assert "model_record_days (command line): must be a whole number" in capsys.readouterr().err
