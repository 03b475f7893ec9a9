"""`vigil strategy` and `vigil cluster`, offline and on a simulated cloud."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.cluster_models.collection import ModelCollector
from application.cluster_models.kinds import COMPUTE
from application.kernel.unit_of_work import Commands
from application.projections import Projector, all_projections
from domain.cluster.formats.cluster_file import read_cluster
from domain.kernel.metadata import Metadata, component
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import open_event_log, open_records
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import connect
from infrastructure.read_models import (
    SqlCollectedModels,
    SqlProjectionStore,
    open_engine,
    views_url,
)
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from interfaces.cli.main import main
from tests.ports import free_port

STRATEGY = "vm_workload_consolidation"
SIZE = {"vcpus": 32, "ram_mb": 131072, "disk_gb": 2000}


def server(number: int, at: str) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "name": f"vm-{number}",
        "host": at,
        "flavor": "small",
        "vcpus": 2,
        "ram_mb": 4096,
        "disk_gb": 20,
        "cpu_util_pct": 20.0,
        "ram_used_mb": 1024,
    }


def host(number: int) -> dict[str, Any]:
    return {"id": f"10000000-0000-4000-8000-{number:012}", "name": f"c{number}", **SIZE}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster file in the portable form: three hosts, of which one would do."""
    hosts = [host(number) for number in range(3)]
    servers = [server(number, hosts[number % 3]["id"]) for number in range(6)]
    path = tmp_path_factory.mktemp("cluster") / "cluster.json"
    path.write_text(json.dumps({"hosts": hosts, "instances": servers}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def simulator(cluster: Path) -> Iterator[Simulator]:
    one = Simulator(SimulatorConfig(cluster_file=cluster))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def cloud(simulator: Simulator, tmp_path: Path) -> list[str]:
    """The words that name the simulated cloud and its datasource."""
    return words_for(simulator, tmp_path)


def words_for(simulator: Simulator, tmp_path: Path) -> list[str]:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml(simulator.base_url), encoding="utf-8")
    return [
        *("--cloud", "simulator", "--set", f"vigil.cloud_config={clouds}"),
        *("--set", f"vigil.prometheus_url={simulator.base_url}/prometheus"),
        *("--set", "watcher_datasources.datasources=prometheus"),
        *("--data", str(tmp_path / "data")),
    ]


def output(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


# -- strategy run --------------------------------------------------------------------------------


def test_a_plan_is_computed_from_a_file_alone(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategy", "run", STRATEGY, "--cluster", str(cluster), "--json"]) == 0
    found = output(capsys)
    migrations = [one for one in found["actions"] if one["action_type"] == "migrate"]
    assert len(migrations) == 4
    assert set(migrations[0]["input_parameters"]) >= {
        *("resource_id", "migration_type", "source_node", "destination_node"),
    }
    assert found["efficacy"][0]["name"] == "released_nodes_ratio"
    assert len(found["reasons"]) == len(found["parents"]) == len(found["actions"])
    assert all(reason["text"] for reason in found["reasons"])
    assert found["refused"] is None
    assert found["cpu_seconds"] >= 0
    assert found["verification_cpu_seconds"] >= 0
    assert found["peak_memory_mib"] > 10


def test_the_options_of_a_planner_are_set(
    cluster: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An author of a planner could not try its options: an offline run used the defaults."""
    words = ["strategy", "run", "dummy", "--cluster", str(cluster), "--json"]
    option = "watcher_planners.weight.weights"
    file = tmp_path / "vigil.conf"
    file.write_text("[watcher_planners.weight]\nweights = sleep:99\n")
    first = []
    for further in (["--set", f"{option}=sleep:1"], ["--config-file", str(file)]):
        assert main([*words, *further]) == 0
        first.append(output(capsys)["actions"][0]["action_type"])
    assert first == ["nop", "sleep"]
    assert main([*words, "--set", f"{option}=sleep:none"]) == 2
    assert "[watcher_planners.weight] weights" in capsys.readouterr().err


def test_people_read_the_plan_line_by_line(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategy", "run", STRATEGY, "--cluster", str(cluster)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(
        "migrate" in line and "c0 -> " in line and "helps to empty" in line for line in lines
    )
    assert any(line.startswith("efficacy released_nodes_ratio: 66.67 %") for line in lines)
    assert "s of CPU" in lines[-1]
    assert "MiB at most" in lines[-1]


def test_a_plan_that_a_run_would_not_publish_is_shown_and_refused(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = "00000000-0000-4000-8000-00000000dead"

    def words_with(**changes: str) -> list[str]:
        move = {"migration_type": "live", "source_node": "c0", "destination_node": "nowhere"}
        listed = {"action_type": "migrate", "resource_id": gone, "input_parameters": move}
        actions = json.dumps([{**listed, **changes}])
        words = ["strategy", "run", "actuator", "--cluster", str(cluster)]
        return [*words, "--param", f"actions={actions}"]

    words = words_with()
    assert main(words) == 1
    text = capsys.readouterr().out
    assert "   1  migrate" in text
    assert "refused The plan breaks placement rules" in text
    assert main([*words, "--json"]) == 1
    assert output(capsys)["refused"]["facts"]["rule"] == "Known"
    assert main(words_with(resource_id="gone")) == 1
    assert "the parameter resource_id must be a UUID, not 'gone'" in capsys.readouterr().out


def test_ids_of_a_cluster_file_need_not_be_uuids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that people write by hand rarely are; Nova's always are."""
    servers = [{**server(n, f"c{n % 3}"), "id": f"vm-{n}"} for n in range(6)]
    hosts = [{**host(n), "id": f"c{n}"} for n in range(3)]
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps({"hosts": hosts, "instances": servers}), encoding="utf-8")
    assert main(["strategy", "run", STRATEGY, "--cluster", str(file), "--json"]) == 0
    found = output(capsys)
    assert found["refused"] is None
    assert {one["input_parameters"]["resource_id"] for one in found["actions"]} & {"vm-0", "vm-2"}


def test_the_operators_rules_hold_for_an_offline_run(
    cluster: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yaml"
    words = ["strategy", "run", STRATEGY, "--cluster", str(cluster), "--rules", str(rules)]
    bans = "[{servers: [vm-0, vm-1], hosts: [c2]}, {servers: [nosuch], hosts: [c1]}]"
    rules.write_text(f"bans: {bans}")
    assert main([*words, "--json"]) == 0
    found = output(capsys)
    moved = [one["input_parameters"] for one in found["actions"] if "migrate" in str(one)]
    assert not [
        one
        for one in moved
        if one.get("resource_name") in {"vm-0", "vm-1"} and one["destination_node"] == "c2"
    ]
    assert any("nosuch" in str(note["facts"]) for note in found["notes"])
    rules.write_text("bans: [{servers: [vm-0]}]")
    assert main(words) == 1
    assert "bans[0].hosts: is missing" in capsys.readouterr().err
    rules.write_text("bans: [")
    assert main(words) == 1
    assert "it is not YAML" in capsys.readouterr().err


def test_parameters_are_json_or_text_and_checked_by_the_schema(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["strategy", "run", "dummy", "--cluster", str(cluster), "--json"]
    given = ["--param", "para1=4.5", "--param", "para2=some text"]
    assert main([*words, *given]) == 0
    *_, message, sleep = [one["input_parameters"] for one in output(capsys)["actions"]]
    assert message["message"] == "some text"
    assert sleep["duration"] == 4.5
    assert main([*words, "--param", "para1=999"]) == 1
    assert "parameters/para1" in capsys.readouterr().err
    assert main([*words, "--param", "nosuch=1"]) == 1
    assert "'nosuch' is not a parameter" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main([*words, "--param", "novalue"])
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot be read"),
        ("[]", "does not contain a JSON object"),
        ('{"hosts": 1}', "hosts: must be a list of objects"),
        ('{"format": "vigil-cluster", "version": 99}', "version: must be 1"),
    ],
)
def test_a_file_that_is_no_cluster_is_refused_with_its_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="utf-8")
    assert main(["strategy", "run", STRATEGY, "--cluster", str(path)]) == 1
    assert complaint in capsys.readouterr().err


def test_an_unknown_strategy_is_refused(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "run", "nosuch", "--cluster", str(cluster)]) == 1
    assert "nosuch" in capsys.readouterr().err


# -- strategy preflight --------------------------------------------------------------------------


def test_preflight_shows_each_metric_with_unit_range_age_and_coverage(
    cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategy", "preflight", STRATEGY, "--json", *cloud]) == 0
    found = output(capsys)
    assert (found["datasource"], found["ready"], found["missing"]) == ("prometheus", True, [])
    (cpu,) = [one for one in found["metrics"] if one["metric"] == "instance_cpu_usage"]
    assert (cpu["unit"], cpu["known"], cpu["total"], cpu["required"]) == ("%", 6, 6, True)
    assert 0 < cpu["least"] <= cpu["most"] <= 100
    assert cpu["age"] is not None
    assert main(["strategy", "preflight", STRATEGY, *cloud]) == 0
    text = capsys.readouterr().out
    assert "6 of 6" in text
    assert f"{STRATEGY} has what it requires (datasource: prometheus)" in text


def test_preflight_ends_with_1_where_a_required_metric_is_missing(
    cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = ["--set", "prometheus_client.instance_uuid_label=nosuch"]
    words = ["strategy", "preflight", STRATEGY, *cloud, *elsewhere]
    assert main([*words, "--json"]) == 1
    found = output(capsys)
    assert (found["ready"], found["missing"]) == (False, ["instance_cpu_usage"])
    assert main(words) == 1
    assert f"{STRATEGY} lacks instance_cpu_usage" in capsys.readouterr().out


def test_preflight_of_an_empty_cloud_has_nothing_to_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ended with 1: "lacks instance_cpu_usage", although there was no server to measure."""
    empty = Simulator(SimulatorConfig(hosts=0, servers=0))
    empty.start()
    try:
        preflight = ["strategy", "preflight", STRATEGY, *words_for(empty, tmp_path)]
        assert main([*preflight, "--json"]) == 0
        assert output(capsys)["missing"] == []
        assert main(preflight) == 0
        assert "0 of 0: nothing to measure" in capsys.readouterr().out
        dead = f"http://127.0.0.1:{free_port()}"
        assert main([*preflight, "--set", f"vigil.prometheus_url={dead}"]) == 1
    finally:
        empty.stop()


def test_an_unreachable_datasource_is_a_sentence_without_the_libraries_inner_errors(
    cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Preflight printed "HTTPConnectionPool(…): Max retries exceeded with url: … (Caused by …"."""
    dead = f"http://127.0.0.1:{free_port()}"
    words = ["strategy", "preflight", STRATEGY, *cloud, "--set", f"vigil.prometheus_url={dead}"]
    assert main(words) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        f"vigil: error: prometheus: {dead}: Failed to establish a new connection: "
        "Connection refused"
    )


def test_preflight_of_a_strategy_that_measures_nothing_is_content(
    cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategy", "preflight", "dummy", *cloud]) == 0
    assert "dummy needs no metrics" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["strategy", "preflight", "dummy"], ["cluster", "export"]])
def test_who_names_no_cloud_is_told_how(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without any cloud it was `The cloud refused: Auth plugin requires parameters …`."""
    for name in [one for one in os.environ if one.startswith("OS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    assert main([*words, "--data", str(tmp_path)]) == 1
    complaint = capsys.readouterr().err
    assert "no cloud is named" in complaint
    assert "--cloud NAME" in complaint


def test_a_cloud_that_does_not_answer_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml(f"http://127.0.0.1:{free_port()}"), encoding="utf-8")
    words = ["--cloud", "simulator", "--set", f"vigil.cloud_config={clouds}"]
    for command in (["strategy", "preflight", STRATEGY], ["cluster", "export"]):
        assert main([*command, *words, "--data", str(tmp_path)]) == 1
        assert "vigil: error:" in capsys.readouterr().err


# -- cluster -------------------------------------------------------------------------------------


def test_an_exported_cloud_gives_the_plan_that_the_cloud_itself_would_get(
    cloud: list[str], cluster: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main(["cluster", "export", "--out", str(out), *cloud]) == 0
    assert "3 hosts, 6 servers, 4 pools, 2 volumes and 3 bare-metal nodes written" in (
        capsys.readouterr().err
    )
    data = json.loads(out.read_text())
    assert data["meta"]["cloud"] == "simulator"
    file = read_cluster(data)
    assert len(file.metrics["instance_cpu_usage"]) == 6
    assert file.quarantined == ()
    assert main(["strategy", "run", STRATEGY, "--cluster", str(out), "--json"]) == 0
    exported = output(capsys)
    assert main(["strategy", "run", STRATEGY, "--cluster", str(cluster), "--json"]) == 0
    assert exported["efficacy"] == output(capsys)["efficacy"]


def test_an_anonymised_export_names_nobody(
    cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "export", "--anonymise", "--no-metrics", *cloud]) == 0
    text = capsys.readouterr().out
    data = json.loads(text)
    assert data["meta"]["anonymised"]
    assert data["metrics"] == {}
    for telling in ("vm-0", '"c0"', "-4000-8000-", "simulator"):
        assert telling not in text


@pytest.fixture
def kept(cloud: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """A data directory in which the model was collected once; the position of that."""
    data = tmp_path / "data"
    assert main(["db", "upgrade", "--data", str(data)]) == 0
    url = f"sqlite:///{data / 'vigil.sqlite'}"
    log, records, engine = open_event_log(url), open_records(url), open_engine(views_url(url))
    connection = connect("simulator", tmp_path / "clouds.yaml")
    collector = ModelCollector(
        COMPUTE,
        NovaCollector(connection),
        Commands(log, SystemClock()),
        records,
        SqlCollectedModels(engine),
        SystemClock(),
        cloud="simulator",
        metadata=Metadata(component("test")),
    )
    collector.collect()
    projections = all_projections(next_match)
    Projector(log, SqlProjectionStore(engine), projections, SystemClock()).catch_up()
    position = log.end()
    for one in (records, log, connection):
        one.close()
    engine.dispose()
    capsys.readouterr()
    return position


def test_the_collected_model_is_shown_with_its_age_and_its_hosts(
    kept: int, cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "show", *cloud]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("model compute of simulator: 3 hosts, 6 servers, confirmed ")
    assert sum(line.startswith("c") for line in lines) == 3
    assert main(["cluster", "show", "--json", *cloud]) == 0
    found = output(capsys)
    assert found["shown"]["position"] == kept
    assert found["models"][0]["stale"] is False
    assert {row["servers"] for row in found["hosts"]} == {2}


def test_a_model_of_the_past_is_shown_by_position_and_by_time(
    kept: int, cloud: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "show", "--at", str(kept), *cloud]) == 0
    assert f"shown: the model at position {kept}" in capsys.readouterr().out
    assert main(["cluster", "show", "--at", "2001-01-01T00:00", *cloud]) == 1
    assert "No cluster model had been collected at 2001" in capsys.readouterr().err
    assert main(["cluster", "show", "--at", "2101-01-01T00:00", *cloud]) == 1
    assert "2101-01-01T00:00:00+00:00 is in the future" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["cluster", "show", "--at", "yesterday", *cloud])
    assert end.value.code == 2


def test_without_a_database_there_is_no_collected_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "show", "--data", str(tmp_path / "nothing")]) == 1
    assert "vigil: error:" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()
