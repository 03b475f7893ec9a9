"""Which datasource serves a strategy, and what is said of the others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from openstack.connection import Connection

from application.kernel.retry import RetryPolicy
from application.ports.metrics import MetricSource, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from domain.metrics.catalogue import METRICS_UNAVAILABLE, MetricNeed
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.gnocchi import GnocchiSource
from infrastructure.datasources.gnocchi_api import GnocchiApi
from infrastructure.datasources.grafana import GrafanaSource
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from infrastructure.datasources.selection import Datasources, OrderedSources, UndescribedDatasource
from infrastructure.openstack.connection import connect
from infrastructure.settings import load
from tests.conformance.datasources import gnocchi_stub, grafana_stub, truth
from tests.conformance.datasources.stub import Answer, Call, served
from tests.integration.openstack.scripted import Say, ScriptedCloud, _catalogued
from tests.ports import free_port
from tests.world.plugins import datasources

CPU = truth.need(m.INSTANCE_CPU_USAGE)
POWER = MetricNeed(m.HOST_POWER, "host")
COLOUR = MetricNeed("host_colour", "host")
OPTIONAL_COLOUR = MetricNeed("host_colour", "host", required=False)
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": []}}
Serve = Callable[[Answer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers; they end with the test."""
    with ExitStack() as servers:
        yield lambda answer: servers.enter_context(served(answer))


@pytest.fixture
def model() -> ComputeModel:
    return truth.model()


def _asker(url: str) -> HttpReader:
    return HttpReader(
        UrlEndpoint(url, credentials=("admin", ""), timeout=10.0), RetryPolicy(1.0, attempts=1)
    )


def _prometheus(url: str) -> MetricSource:
    return PrometheusSource(PrometheusApi(_asker(url)))


def _gnocchi(url: str) -> MetricSource:
    return GnocchiSource(GnocchiApi(_asker(url)))


def _nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_the_first_that_has_all_required_metrics_and_answers_serves(
    serve: Serve, model: ComputeModel
) -> None:
    calls: list[Call] = []
    good = _gnocchi(serve(gnocchi_stub.answers(calls)))
    chosen = OrderedSources(
        [UndescribedDatasource("grafana", "no token"), _prometheus(_nowhere()), good]
    )
    fetched = chosen.fetch((CPU,), model)
    assert np.count_nonzero(~np.isnan(fetched.table.values[CPU])) == 4
    said = [str(one) for one in fetched.problems if one.reason == METRICS_UNAVAILABLE]
    assert "grafana: no token" in said[0]
    assert "prometheus: http://127.0.0.1" in said[1]


def test_one_that_lacks_a_required_metric_is_not_even_asked(
    serve: Serve, model: ComputeModel
) -> None:
    """One datasource serves all metrics of a strategy: none is mixed in from another one."""
    asked: list[Call] = []

    def silent(call: Call) -> tuple[int, object]:
        asked.append(call)
        return 200, VECTOR

    without = GrafanaSource(_asker(serve(silent)), grafana_stub.PANELS)
    chosen = OrderedSources([without, _gnocchi(serve(gnocchi_stub.answers([])))])
    fetched = chosen.fetch((CPU, POWER), model)
    assert asked == []
    assert "grafana: it has no host_power" in str(fetched.problems[0])
    assert chosen.supports((CPU, POWER)) == {"instance_cpu_usage": True, "host_power": True}


def test_one_that_lacks_only_an_optional_metric_serves(serve: Serve, model: ComputeModel) -> None:
    source = _prometheus(serve(lambda _: (200, VECTOR)))
    chosen = OrderedSources([source, _gnocchi(_nowhere())])
    fetched = chosen.fetch((CPU, OPTIONAL_COLOUR), model)
    assert np.isnan(fetched.table.values[OPTIONAL_COLOUR]).all()
    assert chosen.first_with_mapping((CPU, OPTIONAL_COLOUR)) is source
    assert not any("passed over" in str(one) for one in fetched.problems)


def test_if_none_serves_it_says_of_each_why(model: ComputeModel) -> None:
    chosen = OrderedSources([UndescribedDatasource("grafana", "no token"), _prometheus(_nowhere())])
    with pytest.raises(MetricsUnavailable, match=r"grafana: no token; prometheus: http://127"):
        chosen.fetch((CPU,), model)
    with pytest.raises(MetricsUnavailable, match="prometheus: it has no host_colour"):
        chosen.preflight((COLOUR,), model)


def test_where_none_is_configured_everything_is_unknown(model: ComputeModel) -> None:
    chosen = OrderedSources(
        [
            UndescribedDatasource("gnocchi", "not in the catalogue"),
            UndescribedDatasource("grafana", "no token"),
        ]
    )
    fetched = chosen.fetch((CPU,), model)
    assert np.isnan(fetched.table.values[CPU]).all()
    assert [str(one).partition(": ")[2] for one in fetched.problems[:2]] == [
        "gnocchi: not in the catalogue",
        "grafana: no token",
    ]
    assert chosen.first_with_mapping((CPU,)) is None
    assert chosen.supports((CPU,)) == {"instance_cpu_usage": False}


def test_a_preflight_says_in_its_first_row_who_was_passed_over(
    serve: Serve, model: ComputeModel
) -> None:
    memory = truth.need(m.INSTANCE_RAM_USAGE)
    source = _gnocchi(serve(gnocchi_stub.answers([])))
    first, second = OrderedSources(
        [UndescribedDatasource("grafana", "no token"), source]
    ).preflight((CPU, memory), model)
    assert "grafana: no token" in str(first.problems[0])
    assert not any("grafana" in str(one) for one in second.problems)


def test_a_strategy_may_have_an_order_of_its_own(serve: Serve, model: ComputeModel) -> None:
    sources = {
        "prometheus": _prometheus(_nowhere()),
        "gnocchi": _gnocchi(serve(gnocchi_stub.answers([]))),
    }
    chosen = Datasources(sources, ["prometheus"], {"basic": ["gnocchi"]})
    assert chosen.of("basic").fetch((CPU,), model).queries > 0
    with pytest.raises(MetricsUnavailable):
        chosen.of("dummy").fetch((CPU,), model)
    assert (chosen.name, chosen.of("basic").name) == ("prometheus", "gnocchi")


class MeteredCloud(ScriptedCloud):
    """A cloud whose catalogue names a Gnocchi."""

    address = "metric"

    def _token(self) -> dict[str, object]:
        token = super()._token()
        token["token"]["catalog"].append(_catalogued("metric", f"{self.url}/{self.address}"))
        return dict(token)


@pytest.fixture(params=["metric", "metric/v1"])
def cloud(request: pytest.FixtureRequest) -> Iterator[MeteredCloud]:
    """Catalogues have Gnocchi's address with or without its version."""
    found = MeteredCloud()
    found.address = request.param
    yield found
    found.close()


@pytest.fixture
def connection(cloud: MeteredCloud, tmp_path: Path) -> Iterator[Connection]:
    opened = connect("scripted", cloud.clouds_yaml(tmp_path))
    yield opened
    opened.session.session.close()


def test_gnocchi_in_the_catalogue_is_asked_with_a_keystone_token(
    cloud: MeteredCloud, connection: Connection, model: ComputeModel
) -> None:
    server = truth.SERVERS["full"]
    points = [["2026-01-01T00:00:00+00:00", 300.0, 3e11]]
    cloud.on(
        "POST", "/v1/aggregates", Say(200, {"measures": {server: {"cpu": {"rate:mean": points}}}})
    )
    chosen = datasources(load(files=[]).settings, connection)
    fetched = chosen.fetch((CPU,), model)
    values = dict(zip(model.servers.name, fetched.table.values[CPU].tolist(), strict=True))
    assert values["full"] == 50.0, "3e11 ns in 300 s on two vCPUs"
    (asked,) = cloud.asked_for("POST", "/v1/aggregates")
    assert asked.headers["x-auth-token"] == "a-token"
    assert asked.query["granularity"] == "300"


def test_by_default_what_the_catalogue_lacks_is_passed_over(
    tmp_path: Path, model: ComputeModel
) -> None:
    """gnocchi, grafana, aetos: this catalogue has only the last one."""
    cloud = ScriptedCloud()
    cloud.on("POST", "/api/v1/query", Say(200, VECTOR))
    opened = connect("scripted", cloud.clouds_yaml(tmp_path))
    chosen = datasources(load(files=[]).settings, opened)
    assert chosen.name == "gnocchi, grafana, aetos"
    said = [str(one) for one in chosen.fetch((CPU,), model).problems]
    assert "gnocchi: public endpoint for metric service in RegionOne region not found" in said[0]
    assert "grafana: [grafana_client] token and base_url not set" in said[1]
    opened.session.session.close()
    cloud.close()


def test_settings_describe_all_of_them(
    serve: Serve, connection: Connection, tmp_path: Path, model: ComputeModel
) -> None:
    calls: list[Call] = []
    panel = grafana_stub.PANELS[m.INSTANCE_CPU_USAGE]
    gnocchi = serve(gnocchi_stub.answers(calls))
    grafana = serve(grafana_stub.answers([]))
    file = tmp_path / "vigil.conf"
    file.write_text(
        f"""
[watcher_datasources]
datasources = grafana, gnocchi
query_max_retries = 1
[watcher_strategies.basic]
datasources = gnocchi
[vigil]
gnocchi_url = {gnocchi}/v1
gnocchi_username = admin
[grafana_client]
token = {grafana_stub.TOKEN}
base_url = {grafana}/api/datasources/proxy/
project_id_map = instance_cpu_usage:{panel.project}
database_map = instance_cpu_usage:{panel.database}
translator_map = instance_cpu_usage:influxdb
query_map = instance_cpu_usage:{panel.template.text}
""",
        encoding="utf-8",
    )
    loaded = load(files=[file])
    assert load(environ=loaded.environment(), files=[]).settings.metrics == loaded.settings.metrics
    chosen = datasources(loaded.settings, connection)
    suited = chosen.first_with_mapping((CPU,))
    assert suited is not None
    assert suited.name == "grafana"
    for source in (chosen, chosen.of("basic")):
        known = ~np.isnan(source.fetch((CPU,), model).table.values[CPU])
        assert np.count_nonzero(known) == 4
    assert calls


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"vigil.prometheus_url": "http://p", "prometheus_client.certfile": "c"}, "keyfile"),
        ({"grafana_client.attribute_map": "host_power:colour"}, "attribute_map: colour"),
        ({"grafana_client.translator_map": "host_power:graphite"}, "translator_map: graphite"),
        ({"grafana_client.query_map": "host_power:SELECT {7}"}, "query_map: host_power"),
    ],
)
def test_settings_that_do_not_hold_together_are_refused(
    connection: Connection, flags: dict[str, str], complaint: str
) -> None:
    described = {
        "grafana_client.token": "t",
        "grafana_client.base_url": "http://g/proxy/",
        "grafana_client.project_id_map": "host_power:1",
        "grafana_client.database_map": "host_power:d",
        "grafana_client.translator_map": "host_power:influxdb",
        "grafana_client.query_map": "host_power:SELECT {0}",
        "watcher_datasources.datasources": "grafana,prometheus",
    }
    with pytest.raises(ValueError, match=complaint):
        datasources(load(flags={**described, **flags}, files=[]).settings, connection)
