"""`vigil why` and `vigil replay explain`, on the databases of an installation."""

import json
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy.exc

from application.projections import Projector, all_projections
from infrastructure import event_log, read_models
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from interfaces.cli.main import main
from tests.integration.cli.conftest import Cli
from tests.integration.rest.serving import served
from tests.world.decisions import decision_record, publish
from tests.world.plugins import STRATEGIES
from tests.world.world import World


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the log of an installation with a plan that moves a server."""
    url = f"sqlite:///{tmp_path / 'events.db'}"
    views = read_models.views_url(url)
    event_log.upgrade(url)
    read_models.upgrade(views)
    content = decision_record(STRATEGIES["vm_workload_consolidation"])
    with closing(event_log.open_event_log(url)) as log, closing(event_log.open_records(url)) as db:
        publish(log, db, content, "nightly")
        engine = read_models.open_engine(views)
        store = read_models.SqlProjectionStore(engine)
        Projector(log, store, all_projections(next_match), SystemClock()).catch_up()
        engine.dispose()
    monkeypatch.setenv("VIGIL_DATABASE_CONNECTION", url)
    monkeypatch.setenv("VIGIL_DATA_DIR", str(tmp_path / "data"))
    return url


def why(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["why", *words])
    return code, *capsys.readouterr()


def test_the_api_gives_the_same_answer_as_the_database(
    installation: str, cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = json.loads(cli.text("explain", "nightly", "--json"))
    move = next(one["action"] for one in plan["actions"] if one["action"]["type"] == "migrate")
    with World(installation, is_new=False) as world, served(world, workers=1) as url:
        for name in (move["parameters"]["resource_name"], move["parameters"]["source_node"]):
            assert why(capsys, name, "--url", url) == why(capsys, name)
        code, out, _ = why(capsys, name, "--url", url, "--json")
        assert (code, json.loads(out)[0]["action_plan_uuid"]) == (0, plan["plan"])
        assert why(capsys, "nobody", "--url", url)[0] == 1


def test_a_server_is_explained_by_its_decisions(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = json.loads(cli.text("explain", "nightly", "--json"))
    move = next(one["action"] for one in plan["actions"] if one["action"]["type"] == "migrate")
    name = move["parameters"]["resource_name"]
    code, out, _ = why(capsys, name)
    assert code == 0
    assert plan["plan"][:8] in out
    assert f"· migrate {name}: " in out
    assert move["because"]["text"] in out
    assert cli.text("explain", "--server", name) == out, "the same question"
    host = move["parameters"]["source_node"]
    narrowed = cli.text("explain", "nightly", "--host", host, "--server", name)
    assert f"migrate {name}: {host} -> " in narrowed


def test_what_no_decision_concerns_is_refused_with_a_hint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = why(capsys, "nothing-there")
    assert (code, out) == (1, "")
    assert "no decision about nothing-there" in err


def test_the_read_models_are_opened_in_a_way_that_refuses_to_write(installation: str) -> None:
    engine = read_models.open_read_only(read_models.views_url(installation))
    with (
        pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"),
        engine.connect() as connection,
    ):
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
    engine.dispose()


def test_an_installation_without_read_models_is_reported(
    installation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(read_models.views_url(installation).removeprefix("sqlite:///")).unlink()
    code, _, err = why(capsys, "anything")
    assert code == 1
    assert "the read models cannot be read" in err
