"""All kinds of models of a simulated cloud, read over HTTP, kept and shown."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from openstack.connection import Connection

from application.cluster_models.collection import ModelCollectors
from application.cluster_models.kinds import BAREMETAL, STORAGE
from application.cluster_models.query import ClusterModels
from application.kernel.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.read_models import StrategyView
from domain.cluster.formats import baremetal as baremetal_forms
from domain.cluster.formats import storage_xml
from domain.cluster.kinds import ModelKind
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.aggregate import JsonObject
from domain.kernel.metadata import Metadata, component
from infrastructure.openstack.connection import connect
from infrastructure.settings import Settings
from infrastructure.settings.load import load
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from interfaces.bootstrap.cloud import connection
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import OpenDatabase
from interfaces.bootstrap.queries import cluster_models
from interfaces.bootstrap.roles.api import rest_services
from interfaces.cli.main import main
from tests.integration.decision_engine.test_other_models_in_runs import Kinds, Reporter
from tests.world.plugins import distribution

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DUMMY = StrategyView(1, UUID(int=1), "dummy", "Dummy", None, None, {}, EPOCH, None, None)
CONSOLIDATION = replace(DUMMY, id=3, name="vm_workload_consolidation")
ACTUATOR = replace(DUMMY, id=2, name="actuator")
ALL = "compute,storage,baremetal"
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    one = Simulator(SimulatorConfig(hosts=6, servers=30))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def words(simulator: Simulator, tmp_path: Path) -> list[str]:
    """The words that name the cloud and the installation."""
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml(simulator.base_url), encoding="utf-8")
    chosen = {
        "vigil.cloud": "simulator",
        "vigil.cloud_config": str(clouds),
        "vigil.prometheus_url": f"{simulator.base_url}/prometheus",
        "watcher_datasources.datasources": "prometheus",
        "collector.collector_plugins": ALL,
        "vigil.data_dir": str(tmp_path / "data"),
    }
    assert main(["db", "upgrade", "--data", str(tmp_path / "data")]) == 0
    return [word for key, text in chosen.items() for word in ("--set", f"{key}={text}")]


def settings(words: list[str], **changes: str) -> Settings:
    given = dict(word.split("=", 1) for word in words if word != "--set")
    return load(flags={**given, **changes}, environ={}, files=[]).settings


class Installation:
    """What keeps models, and what shows them."""

    def __init__(self, chosen: Settings, store: OpenDatabase, cloud: Connection) -> None:
        self._store = store
        metadata = Metadata(component("test"))
        self.collectors: ModelCollectors = model_collectors(chosen, store, cloud, metadata)
        self.models: ClusterModels = cluster_models(chosen, store.engine, store.records, store.read)

    def collect(self) -> dict[str, Exception]:
        """Collects every kind; what failed, by kind."""
        failures: dict[str, Exception] = {}
        for collector in self.collectors:
            try:
                collector.collect()
            except (CloudRefused, CloudUnreachable) as failure:
                failures[collector.kind.value] = failure
        self._store.projector().catch_up()
        return failures


@contextmanager
def installation(words: list[str], **changes: str) -> Iterator[Installation]:
    chosen = settings(words, **changes)
    store, cloud = OpenDatabase(chosen), connection(chosen)
    try:
        yield Installation(chosen, store, cloud)
    finally:
        cloud.session.session.close()
        cloud.close()
        store.close()


class Control:
    """The operator of the simulated cloud."""

    def __init__(self, base_url: str, clouds: Path) -> None:
        self._url = base_url
        self.connection = connect("simulator", clouds)

    def ask(self, method: str, path: str, body: Any = None) -> None:
        """A request to the simulator's own API."""
        self.connection.session.request(f"{self._url}{path}", method, json=body)


@pytest.fixture
def control(simulator: Simulator, words: list[str], tmp_path: Path) -> Iterator[Control]:
    one = Control(simulator.base_url, tmp_path / "clouds.yaml")
    yield one
    one.connection.session.session.close()
    one.connection.close()


def without(control: Control, *services: str) -> None:
    """Takes services out of the catalogue."""
    for service in services:
        control.ask("DELETE", f"/vigil/endpoints/{service}")


def test_all_kinds_are_collected_and_can_be_asked_for(words: list[str]) -> None:
    with installation(words) as one:
        assert one.collect() == {}
        statuses = {status.kind: status for status in one.models.status()}
        assert {kind: list(status.sizes) for kind, status in statuses.items()} == {
            "compute": ["hosts", "servers"],
            "storage": ["backends", "pools", "volumes"],
            "baremetal": ["machines"],
        }
        assert statuses["storage"].sizes["pools"] == 4
        assert statuses["baremetal"].sizes["machines"] == 6
        assert not any(status.stale or status.failure for status in statuses.values())


def test_a_cloud_without_the_services_is_shown_as_such_and_compute_goes_on(
    control: Control, words: list[str]
) -> None:
    without(control, "block-storage", "volumev3", "baremetal")
    with installation(words) as one:
        failures = one.collect()
        assert sorted(failures) == ["baremetal", "storage"]
        statuses = {status.kind: status for status in one.models.status()}
        assert statuses["compute"].failure is None
        for kind in ("storage", "baremetal"):
            assert (statuses[kind].absent, statuses[kind].stale) == (True, False)
            failure = statuses[kind].failure
            assert failure is not None
            assert failure.reason == SERVICE_ABSENT
        with pytest.raises(Unavailable, match="baremetal"):
            one.models.latest(BAREMETAL)


def test_a_partial_collection_never_replaces_a_good_model(
    control: Control, words: list[str]
) -> None:
    """The volumes come, the last list does not: there is no model of half a Cinder."""
    with installation(words) as one:
        one.collect()
        good = one.models.latest(STORAGE)
        rule = {"kind": "endpoint", "service": "volume", "path": "/volumes", "status": 503}
        control.ask("POST", "/vigil/faults", body={**rule, "times": None})
        failures = one.collect()
        assert isinstance(failures["storage"], CloudUnreachable)
        assert list(failures) == ["storage"]
        assert one.models.latest(STORAGE).digest == good.digest
        (status,) = (s for s in one.models.status() if s.kind == "storage")
        assert status.failure is not None
        assert not status.absent


def test_kinds_that_are_not_chosen_are_shown_only_while_somebody_keeps_them(
    words: list[str],
) -> None:
    """A viewer may have other settings than the collector; what was switched off is no alarm."""
    with installation(words) as one:
        one.collect()
    chosen = {"collector.collector_plugins": "compute"}
    with installation(words, **chosen) as one:
        assert [collector.kind.value for collector in one.collectors] == ["compute"]
        assert len(one.models.status()) == 3
    section = "watcher_cluster_data_model_collectors"
    old = {f"{section}.{kind}.period": "1" for kind in ("storage", "baremetal")}
    with installation(words, **chosen, **old) as one:
        deadline = time.monotonic() + 30
        while len(one.models.status()) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert [status.kind for status in one.models.status()] == ["compute"]


# -- the command line ----------------------------------------------------------------------------


@pytest.fixture
def kept(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The words of an installation in which every kind is kept."""
    with installation(words) as one:
        assert one.collect() == {}
    capsys.readouterr()
    return words


def output(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main(list(command)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "key", "count"),
    [("compute", "hosts", 6), ("storage", "pools", 4), ("baremetal", "machines", 6)],
)
def test_cluster_show_tells_how_all_models_stand_and_shows_one(
    kept: list[str], capsys: pytest.CaptureFixture[str], kind: str, key: str, count: int
) -> None:
    text = output(capsys, "cluster", "show", "--kind", kind, *kept)
    lines = text.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["baremetal", "compute", "storage"]
    shown: Any = json.loads(output(capsys, "cluster", "show", "--kind", kind, "--json", *kept))
    assert len(shown[key]) == count
    names = [row["name"] or row["id"] for row in shown[key]]
    assert all(any(name in line for line in lines[4:]) for name in names)


def test_unknown_capacities_are_shown_as_unknown(
    kept: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = (
        line
        for line in output(capsys, "cluster", "show", "--kind", "storage", *kept).splitlines()
        if line.startswith("storage-2@archive#")
    )
    assert {"unknown", "infinite"} & set(line.split())


@pytest.mark.parametrize(("kind", "key"), [("storage", "volume_uuid"), ("baremetal", "node_uuid")])
def test_cluster_list_writes_everything_in_each_form(
    kept: list[str], capsys: pytest.CaptureFixture[str], kind: str, key: str
) -> None:
    rows: Any = json.loads(output(capsys, "cluster", "list", "--kind", kind, "--json", *kept))
    ids = [row[key] for row in rows if key in row]
    assert ids
    text = output(capsys, "cluster", "list", "--kind", kind, *kept)
    assert all(f"{key}={identity}" in text for identity in ids)
    xml = output(capsys, "cluster", "list", "--kind", kind, "--xml", *kept)
    if kind == "storage":
        model, quarantined = storage_xml.from_xml(xml)
        assert set(ids) <= set(model.volumes.id)
    else:
        machines, quarantined = baremetal_forms.from_xml(xml)
        assert list(machines.nodes.id) == ids
    assert quarantined == ()


def test_cluster_list_of_compute_is_what_the_api_lists(
    kept: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows: Any = json.loads(output(capsys, "cluster", "list", "--json", *kept))
    assert {"node_uuid", "server_uuid"} <= set(rows[0])
    assert main(["cluster", "list", "--json", "--xml", *kept]) == 1
    assert "--json and --xml" in capsys.readouterr().err


def test_a_model_that_is_absent_is_said_to_be(
    control: Control, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    without(control, "baremetal")
    with installation(words) as one:
        one.collect()
    assert "model baremetal of simulator: absent." in output(capsys, "cluster", "show", *words)
    assert main(["cluster", "show", "--kind", "baremetal", *words]) == 1
    assert "no baremetal service" in capsys.readouterr().err


# -- what a strategy needs -----------------------------------------------------------------------


@dataclass(frozen=True)
class AllKinds(Kinds):
    kinds: tuple[ModelKind, ...] = tuple(ModelKind)


class Demanding(Reporter):
    name = "demanding"
    parameters = AllKinds
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {"kinds": {"type": "array", "default": ["compute", "storage", "baremetal"]}}
    }


@pytest.fixture
def demanding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An installed strategy that needs every kind of model; its name."""
    entry = {"vigil.strategies": {Demanding.name: f"{Demanding.__module__}:Demanding"}}
    monkeypatch.syspath_prepend(distribution(tmp_path / "plugins", "demanding", entry))
    return Demanding.name


def test_preflight_shows_the_models_that_a_strategy_needs(
    control: Control, words: list[str], demanding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found: Any = json.loads(output(capsys, "strategy", "preflight", demanding, "--json", *words))
    assert [(one["kind"], one["failure"]) for one in found["models"]] == [
        ("compute", None),
        ("baremetal", None),
        ("storage", None),
    ]
    without(control, "baremetal")
    fewer = ["--set", "collector.collector_plugins=compute,baremetal"]
    assert main(["strategy", "preflight", demanding, *words, *fewer]) == 1
    text = capsys.readouterr().out
    assert "no baremetal service" in text
    assert "collector_plugins does not list" in text
    assert "demanding lacks the baremetal model, the storage model" in text


def test_the_state_of_a_strategy_says_which_models_can_be_had(
    control: Control, words: list[str]
) -> None:
    def models(**changes: str) -> dict[str, bool]:
        services = rest_services(settings(words, **changes))
        try:
            return dict(services.strategy_state(DUMMY).models)
        finally:
            services.close()

    assert models() == {"compute_model": True, "storage_model": True, "baremetal_model": True}
    chosen = {"collector.collector_plugins": "compute,storage"}
    assert models(**chosen)["baremetal_model"] is False
    without(control, "block-storage", "volumev3")
    assert models() == {"compute_model": True, "storage_model": False, "baremetal_model": True}


@pytest.mark.parametrize("listed", ["gnocchi", "grafana,gnocchi"])
def test_the_state_of_a_strategy_agrees_with_its_run_if_no_datasource_is_configured(
    words: list[str], listed: str
) -> None:
    """It said that a mandatory datasource was there, without a metric; the run succeeded."""
    services = rest_services(settings(words, **{"watcher_datasources.datasources": listed}))
    try:
        state = services.strategy_state(CONSOLIDATION)
    finally:
        services.close()
    assert (state.datasource, state.available, state.mandatory) == ("none", False, False)
    assert state.comment == "No datasource is configured: runs use allocations only."
    assert set(state.metrics.values()) == {False}


def test_the_state_of_a_strategy_names_the_datasource_that_a_run_would_use(
    words: list[str],
) -> None:
    """It named the first one of the list with a mapping, which the catalogue does not have."""
    services = rest_services(
        settings(words, **{"watcher_datasources.datasources": "gnocchi,prometheus"})
    )
    try:
        state = services.strategy_state(CONSOLIDATION)
    finally:
        services.close()
    assert (state.datasource, state.available, state.mandatory) == ("prometheus", True, True)
    assert state.metrics["instance_cpu_usage"]


def test_the_state_of_a_strategy_that_insists_on_parameters_is_told(words: list[str]) -> None:
    """`strategy state actuator` was a 400: parameters were demanded of a GET that takes none."""
    services = rest_services(settings(words))
    try:
        state = services.strategy_state(ACTUATOR)
    finally:
        services.close()
    assert (state.datasource, state.metrics) == (None, {})
    assert state.models["compute_model"]


@pytest.mark.parametrize("command", ["show", "list"])
def test_the_models_of_an_installation_that_has_ended_are_shown_without_naming_its_cloud(
    words: list[str],
    simulator: Simulator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """`vigil status` listed the model, `vigil cluster show` said that there was none."""
    with installation(words) as there:
        there.collect()
    capsys.readouterr()
    assert main(["cluster", command, "--data", str(tmp_path / "data")]) == 0
    assert "compute" in capsys.readouterr().out
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml(simulator.base_url, "other"), encoding="utf-8")
    with installation(words, **{"vigil.cloud": "other"}) as there:
        there.collect()
    capsys.readouterr()
    assert main(["cluster", command, "--data", str(tmp_path / "data")]) == 1
    assert "models of several clouds (other, simulator)" in capsys.readouterr().err
    chosen = ["--data", str(tmp_path / "data"), "--cloud", "simulator"]
    assert main(["cluster", command, *chosen]) == 0
