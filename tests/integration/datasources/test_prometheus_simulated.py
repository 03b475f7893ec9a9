"""The Prometheus source against the simulator's query API: a cluster whose loads are known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.metrics.catalogue import MetricNeed
from infrastructure.datasources.endpoint import CatalogueEndpoint, HttpReader, UrlEndpoint
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import connect
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from infrastructure.simulator.core.hardware import cache
from infrastructure.simulator.core.model import Host

Json = dict[str, Any]
HOST_CPU = MetricNeed("host_cpu_usage", "host")
HOST_RAM = MetricNeed("host_ram_usage", "host")
SERVER_CPU = MetricNeed("instance_cpu_usage", "server")
SERVER_RAM = MetricNeed("instance_ram_usage", "server")
SERVER_CACHE = MetricNeed("instance_l3_cache_usage", "server")
NEEDS = (HOST_CPU, HOST_RAM, SERVER_CPU, SERVER_RAM)
LOADS = {"busy": (4, 50.0, 3000), "idle": (2, 0.0, 100), "other": (8, 25.0, 2048)}
"""Server → vCPUs, % of them used, MB used."""


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, f"{name}.metrics"))


def _server(name: str, host: str) -> Json:
    vcpus, percent, used = LOADS[name]
    return {
        "id": _id(name),
        "name": name,
        "host": _id(host),
        "flavor": f"f{vcpus}",
        "vcpus": vcpus,
        "ram_mb": 4096,
        "disk_gb": 10,
        "cpu_util_pct": percent,
        "ram_used_mb": used,
    }


def _cluster() -> Json:
    size = {"vcpus": 16, "ram_mb": 65536, "disk_gb": 500}
    return {
        "hosts": [{"id": _id(name), "name": name, **size} for name in ("h1", "h2")],
        "instances": [_server("busy", "h1"), _server("idle", "h1"), _server("other", "h2")],
    }


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    file = tmp_path_factory.mktemp("metrics") / "cluster.json"
    file.write_text(json.dumps(_cluster()), encoding="utf-8")
    simulator = Simulator(SimulatorConfig(cluster_file=file))
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def clouds(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("clouds") / "clouds.yaml"
    file.write_text(clouds_yaml(simulator.base_url), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def model(clouds: Path) -> ComputeModel:
    connection = connect("simulator", clouds)
    found = NovaCollector(connection).collect()
    connection.session.session.close()
    model, problems = ComputeModel.build(found.hosts, found.servers, found.groups, found.aggregates)
    assert not problems
    return model


@pytest.fixture
def source(simulator: Simulator) -> Iterator[PrometheusSource]:
    endpoint = UrlEndpoint(f"{simulator.base_url}/prometheus")
    yield PrometheusSource(PrometheusApi(HttpReader(endpoint)))
    endpoint.close()


def _by_name(model: ComputeModel, values: Any) -> dict[str, float]:
    return dict(zip(model.servers.name, values.tolist(), strict=True))


def test_every_metric_has_its_unit_and_takes_one_query(
    source: PrometheusSource, model: ComputeModel
) -> None:
    fetched = source.fetch(NEEDS, model)
    assert fetched.queries == len(NEEDS)
    assert fetched.problems == ()
    values = fetched.table.values
    assert _by_name(model, values[SERVER_CPU]) == pytest.approx(
        {name: percent for name, (_, percent, _) in LOADS.items()}, abs=0.01
    )
    assert _by_name(model, values[SERVER_RAM]) == pytest.approx(
        {name: float(used) for name, (_, _, used) in LOADS.items()}, rel=0.05
    )
    hosts = dict(zip(model.hosts.name, values[HOST_CPU].tolist(), strict=True))
    assert hosts == pytest.approx({"h1": 12.5, "h2": 12.5}, abs=0.05)
    assert all(0 < used < 65536 * 1024 for used in values[HOST_RAM].tolist())


@pytest.mark.parametrize("aggregate", ["mean", "max", "min", "count"])
def test_a_constant_load_is_the_same_by_every_aggregate(
    source: PrometheusSource, model: ComputeModel, aggregate: str
) -> None:
    """Upstream swaps min and max for some callers and not for others."""
    needs = [
        MetricNeed(need.name, need.resource, aggregate, 300.0, 60.0)
        for need in (HOST_CPU, SERVER_CPU)
    ]
    host, server = source.fetch(needs, model).table.values.values()
    assert host.tolist() == pytest.approx([12.5, 12.5], abs=0.1)
    assert _by_name(model, server)["busy"] == pytest.approx(50.0, abs=0.1)


def test_sensors_and_caches_follow_the_load(source: PrometheusSource, model: ComputeModel) -> None:
    """Two of the 16 cores of each host are in use; each asks for 4 MiB of L3 cache."""
    names = ("host_inlet_temp", "host_outlet_temp", "host_airflow", "host_power")
    needs = [MetricNeed(name, "host") for name in names]
    fetched = source.fetch([*needs, SERVER_CACHE], model)
    assert fetched.problems == ()
    inlet, outlet, airflow, power = (fetched.table.values[need] for need in needs)
    assert (outlet - inlet).tolist() == pytest.approx([14.75, 14.75])
    assert power.tolist() == pytest.approx([88.8, 88.8])
    assert airflow.tolist() == pytest.approx([105.96, 105.96], abs=0.01)
    cache = _by_name(model, fetched.table.values[SERVER_CACHE])
    assert cache == pytest.approx({"busy": 8 * 2**20, "idle": 0.0, "other": 8 * 2**20})


def test_servers_share_a_cache_that_is_too_small_by_their_demand() -> None:
    host = Host(id="h", number=1, service_id="s", name="h", vcpus=8, ram_mb=1, disk_gb=1)
    used = cache(host, np.array([[0.5, 1.0, 0.0], [0.5, 3.0, 0.0]]))
    assert used.tolist() == [[2.0, 2.0, 0.0], [2.0, 6.0, 0.0]]


def test_what_the_model_knows_is_not_asked_for(
    source: PrometheusSource, model: ComputeModel
) -> None:
    ram = MetricNeed("instance_ram_allocated", "server")
    disk = MetricNeed("instance_root_disk_size", "server")
    fetched = source.fetch((ram, disk), model)
    assert fetched.queries == 0
    assert set(fetched.table.values[ram].tolist()) == {4096.0}
    assert set(fetched.table.values[disk].tolist()) == {10.0}


def test_a_preflight_tells_coverage_range_unit_and_age(
    simulator: Simulator, model: ComputeModel
) -> None:
    thermal = MetricNeed("host_outlet_temp", "host")
    endpoint = UrlEndpoint(f"{simulator.base_url}/prometheus")
    api = PrometheusApi(HttpReader(endpoint))
    source = PrometheusSource(api, names={"host_outlet_temp": "no_such_series"})
    rows = {row.metric: row for row in source.preflight((*NEEDS, thermal), model)}
    cpu = rows["instance_cpu_usage"]
    assert (cpu.supported, cpu.present, cpu.known, cpu.total, cpu.unit) == (True, True, 3, 3, "%")
    assert cpu.least == pytest.approx(0.0, abs=0.01)
    assert cpu.most == pytest.approx(50.0, abs=0.01)
    assert cpu.age is not None
    assert 0 <= cpu.age < 300
    assert cpu.problems == ()
    missing = rows["host_outlet_temp"]
    assert (missing.supported, missing.present, missing.known) == (True, False, 0)
    assert missing.problems
    endpoint.close()


def test_the_catalogue_leads_to_it_with_a_keystone_token(
    simulator: Simulator, clouds: Path, model: ComputeModel
) -> None:
    connection = connect("simulator", clouds)
    source = PrometheusSource(
        PrometheusApi(HttpReader(CatalogueEndpoint(connection))), name="aetos"
    )
    fetched = source.fetch((HOST_CPU,), model)
    assert not np.isnan(fetched.table.values[HOST_CPU]).any()
    connection.session.session.close()
