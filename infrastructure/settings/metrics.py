"""The datasources of metrics, and their order of preference for each strategy."""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from infrastructure.settings.option_types import (
    FILE,
    HOST,
    HTTP_URL,
    INTERFACE,
    PORT,
    Choice,
    Choices,
    Float,
    Integer,
    PerMetric,
    numbers_by_name,
    text,
)
from infrastructure.settings.options import Derived, Named, Option, option

_USUAL = ("gnocchi", "grafana", "aetos")
ORDER = Choices(
    (*_USUAL, "prometheus"),
    further=lambda: {one.name for one in entry_points(group="vigil.datasources")},
    extra=(
        "aetos and prometheus not together",
        lambda names: not {"aetos", "prometheus"} <= set(names),
    ),
)


def _prometheus(values: Named) -> str | None:
    host = values["prometheus_client", "host"]
    if host is None:
        return None
    scheme = "https" if values["prometheus_client", "cafile"] else "http"
    address = f"[{host}]" if ":" in host else host
    return f"{scheme}://{address}:{values['prometheus_client', 'port']}"


def _order(values: Named) -> tuple[str, ...]:
    return ("prometheus",) if values["vigil", "prometheus_url"] else _USUAL


def _fqdn_label(section: str) -> Any:
    return option(
        f"{section}.fqdn_label",
        text(),
        "fqdn",
        "Label that contains the compute host's name in host metrics.",
    )


def _uuid_label(section: str) -> Any:
    return option(
        f"{section}.instance_uuid_label",
        text(),
        "resource",
        "Label that contains the server's id in server metrics.",
    )


def _per_metric(name: str, help: str) -> Any:  # noqa: A002 - as option() calls it
    return option(f"grafana_client.{name}", PerMetric(), Derived("no metrics", lambda _: {}), help)


@dataclass(frozen=True)
class GnocchiSettings:
    """Gnocchi."""

    api_version: str = option(
        "gnocchi_client.api_version", Choice("1"), "1", "Version of Gnocchi's API."
    )
    endpoint_type: str = option(
        "gnocchi_client.endpoint_type",
        INTERFACE,
        "public",
        "Interface of the endpoint in the service catalogue (service type `metric`).",
    )
    region_name: str | None = option(
        "gnocchi_client.region_name", text(), None, "Its region. Not set: the cloud's region."
    )
    url: str | None = option(
        "vigil.gnocchi_url",
        HTTP_URL,
        None,
        "URL of a Gnocchi outside Keystone (auth_mode = basic). Not set: Gnocchi's endpoint in the "
        "service catalogue, with a Keystone token.",
    )
    username: str | None = option(
        "vigil.gnocchi_username", text(), None, "User name for that Gnocchi."
    )
    password: str | None = option(
        "vigil.gnocchi_password", text(), None, "Password of that user.", secret=True
    )
    polling_interval: float | None = option(
        "vigil.gnocchi_polling_interval",
        Float(1.0),
        None,
        "Seconds between two samples of a server's CPU counter (Ceilometer's polling interval). "
        "Not set: one sample per granularity, as Watcher assumes.",
    )


@dataclass(frozen=True)
class GrafanaSettings:
    """InfluxDB through Grafana's proxy."""

    token: str | None = option("grafana_client.token", text(), None, "API token.", secret=True)
    base_url: str | None = option(
        "grafana_client.base_url",
        HTTP_URL,
        None,
        "URL up to the project, for example https://grafana.example/api/datasources/proxy/.",
    )
    http_timeout: float = option(
        "grafana_client.http_timeout", Float(1.0), 60, "Timeout of a request in seconds."
    )
    project_id_map: Mapping[str, str] = _per_metric(
        "project_id_map", "Number of the project (data source) of each metric."
    )
    database_map: Mapping[str, str] = _per_metric(
        "database_map", "InfluxDB database of each metric."
    )
    attribute_map: Mapping[str, str] = _per_metric(
        "attribute_map",
        "The attribute of a host (hostname, uuid, hypervisor_hostname) or server (uuid, name) that "
        "replaces {1} in the query of each metric. Default: hostname for hosts, uuid for servers.",
    )
    translator_map: Mapping[str, str] = _per_metric(
        "translator_map", "Kind of database of each metric; only influxdb is supported."
    )
    query_map: Mapping[str, str] = _per_metric(
        "query_map",
        "Query of each metric: {0} is the aggregate, {1} the attribute, {2} the period in seconds, "
        "{3} the granularity in seconds, {4} the retention policy.",
    )
    retention_periods: Mapping[str, int] = option(
        "grafana_translators.retention_periods",
        numbers_by_name(1),
        {"one_week": 604800, "one_month": 2592000, "five_years": 31556952},
        "InfluxDB's retention policies, and for how many seconds each keeps data.",
    )


@dataclass(frozen=True)
class AetosSettings:
    """Prometheus behind Keystone."""

    interface: str = option(
        "aetos_client.interface",
        INTERFACE,
        "public",
        "Interface of the endpoint in the service catalogue (service type `metric-storage`).",
    )
    region_name: str | None = option(
        "aetos_client.region_name", text(), None, "Its region. Not set: the cloud's region."
    )
    fqdn_label: str = _fqdn_label("aetos_client")
    instance_uuid_label: str = _uuid_label("aetos_client")


def own_order(strategy: str) -> Option:
    """The option for the datasources of one strategy."""
    return Option(
        f"watcher_strategies.{strategy}",
        "datasources",
        ORDER,
        None,
        "Datasources of this strategy in order of preference. Not set: those of "
        "[watcher_datasources].",
    )


def _own(strategy: str) -> Any:
    return field(metadata={"option": own_order(strategy)})


@dataclass(frozen=True)
class StrategyDatasources:
    """The datasources of each strategy that has its own order."""

    actuator: tuple[str, ...] | None = _own("actuator")
    basic: tuple[str, ...] | None = _own("basic")
    dummy: tuple[str, ...] | None = _own("dummy")
    dummy_with_resize: tuple[str, ...] | None = _own("dummy_with_resize")
    dummy_with_scorer: tuple[str, ...] | None = _own("dummy_with_scorer")
    host_maintenance: tuple[str, ...] | None = _own("host_maintenance")
    node_resource_consolidation: tuple[str, ...] | None = _own("node_resource_consolidation")
    noisy_neighbor: tuple[str, ...] | None = _own("noisy_neighbor")
    outlet_temperature: tuple[str, ...] | None = _own("outlet_temperature")
    saving_energy: tuple[str, ...] | None = _own("saving_energy")
    storage_capacity_balance: tuple[str, ...] | None = _own("storage_capacity_balance")
    uniform_airflow: tuple[str, ...] | None = _own("uniform_airflow")
    vm_workload_consolidation: tuple[str, ...] | None = _own("vm_workload_consolidation")
    workload_balance: tuple[str, ...] | None = _own("workload_balance")
    workload_stabilization: tuple[str, ...] | None = _own("workload_stabilization")
    zone_migration: tuple[str, ...] | None = _own("zone_migration")

    def chosen(self) -> Mapping[str, tuple[str, ...]]:
        """Strategy → datasources in order of preference; only strategies with their own order."""
        orders = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: order for name, order in orders.items() if order is not None}


@dataclass(frozen=True)
class MetricsSettings:
    """All datasources; the options that are not in a part are Prometheus' own, or common to all."""

    gnocchi: GnocchiSettings
    grafana: GrafanaSettings
    aetos: AetosSettings
    strategies: StrategyDatasources
    host: str | None = option(
        "prometheus_client.host", HOST, None, "Address of the Prometheus server."
    )
    port: int = option("prometheus_client.port", PORT, 9090, "Port of the Prometheus server.")
    cafile: Path | None = option(
        "prometheus_client.cafile",
        FILE,
        None,
        "File with trusted certificate authorities. If set, Vigil connects with HTTPS.",
    )
    prometheus_url: str | None = option(
        "vigil.prometheus_url",
        HTTP_URL,
        Derived("http(s)://host:port of [prometheus_client] if its host is set", _prometheus),
        "URL of the Prometheus query API.",
    )
    fqdn_label: str = _fqdn_label("prometheus_client")
    instance_uuid_label: str = _uuid_label("prometheus_client")
    username: str | None = option(
        "prometheus_client.username", text(), None, "User name for Prometheus."
    )
    password: str | None = option(
        "prometheus_client.password", text(), None, "Password of that user.", secret=True
    )
    certfile: Path | None = option(
        "prometheus_client.certfile", FILE, None, "Client certificate for Prometheus."
    )
    keyfile: Path | None = option(
        "prometheus_client.keyfile", FILE, None, "Key of the client certificate."
    )
    datasources: tuple[str, ...] = option(
        "watcher_datasources.datasources",
        ORDER,
        Derived(
            "prometheus if [vigil] prometheus_url has a value, else gnocchi,grafana,aetos", _order
        ),
        "Datasources in order of preference. A strategy uses the first one that is available and "
        "has all metrics that the strategy requires.",
    )
    query_max_retries: int = option(
        "watcher_datasources.query_max_retries",
        Integer(1),
        10,
        "Most attempts of a query while the datasource does not answer.",
    )
    query_interval: float = option(
        "watcher_datasources.query_interval", Float(0.0), 1, "Seconds between two attempts."
    )
    timeout: float = option(
        "vigil.metrics_timeout",
        Float(1.0, 3600.0),
        60.0,
        "Timeout of a request to Prometheus, Aetos or Gnocchi, in seconds. A query is not repeated "
        "after twice this time.",
    )
    metric_map_path: Path = option(
        "watcher_decision_engine.metric_map_path",
        FILE,
        Path("/etc/watcher/metric_map.yaml"),
        "YAML file with other names of metrics (datasource → metric → name); may be missing.",
    )
