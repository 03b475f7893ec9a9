"""What operators write about datasources, as the original reads it."""

import pytest

from infrastructure.settings import SettingsError, load


def test_defaults_are_the_originals() -> None:
    metrics = load(files=[]).settings.metrics
    assert metrics.datasources == ("gnocchi", "grafana", "aetos")
    assert (metrics.query_max_retries, metrics.query_interval) == (10, 1)
    assert (metrics.gnocchi.api_version, metrics.gnocchi.endpoint_type) == ("1", "public")
    assert (metrics.aetos.interface, metrics.aetos.fqdn_label) == ("public", "fqdn")
    assert metrics.grafana.http_timeout == 60
    assert metrics.grafana.retention_periods["five_years"] == 31_556_952
    assert metrics.strategies.chosen() == {}


def test_a_prometheus_that_is_named_is_the_datasource_unless_an_order_says_otherwise() -> None:
    flags = {"prometheus_client.host": "p", "prometheus_client.cafile": "/ca"}
    metrics = load(flags=flags, files=[]).settings.metrics
    assert metrics.datasources == ("prometheus",)
    assert metrics.prometheus_url == "https://p:9090"
    flags["watcher_datasources.datasources"] = "gnocchi, prometheus"
    assert load(flags=flags, files=[]).settings.metrics.datasources == ("gnocchi", "prometheus")


def test_the_url_of_a_prometheus_with_an_ipv6_address_is_one_that_a_child_process_accepts() -> None:
    loaded = load(flags={"prometheus_client.host": "::1"}, files=[])
    assert loaded.settings.metrics.prometheus_url == "http://[::1]:9090"
    assert load(environ=loaded.environment(), files=[]).settings.metrics == loaded.settings.metrics


def test_a_query_may_have_commas_and_colons() -> None:
    query = "SELECT {0}(a), b::tag FROM m WHERE host = '{1}'"
    text = f"host_power: {query}, host_cpu_usage:{query}"
    settings = load(flags={"grafana_client.query_map": text}, files=[]).settings
    assert settings.metrics.grafana.query_map == {"host_power": query, "host_cpu_usage": query}


@pytest.mark.parametrize(
    "flags",
    [
        {"watcher_datasources.datasources": "prometheus,aetos"},
        {"watcher_strategies.basic.datasources": "aetos,prometheus"},
        {"watcher_datasources.datasources": "cacti"},
        {"watcher_datasources.datasources": "gnocchi,gnocchi"},
        {"watcher_datasources.datasources": ","},
        {"watcher_datasources.query_max_retries": "0"},
        {"grafana_client.project_id_map": "7"},
        {"grafana_client.project_id_map": "colour:7"},
        {"gnocchi_client.endpoint_type": "secret"},
    ],
)
def test_what_cannot_be_meant_is_refused(flags: dict[str, str]) -> None:
    (place,) = flags
    with pytest.raises(SettingsError, match=place.rpartition(".")[2]):
        load(flags=flags, files=[])
