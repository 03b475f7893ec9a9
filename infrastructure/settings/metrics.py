"""Where measurements come from: the datasources, and which of them serves which strategy."""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from infrastructure.settings.kinds import (
    BadValue,
    Choice,
    File,
    Integer,
    Number,
    Table,
    Text,
    Url,
)
from infrastructure.settings.options import Derived, Named, option

PORT = Integer(1, 65535)
DATASOURCES = ("gnocchi", "grafana", "aetos", "prometheus")
_USUAL = ("gnocchi", "grafana", "aetos")


@dataclass(frozen=True)
class Order:
    """Names of datasources, the preferred one first."""

    rule: str = (
        f"some of {', '.join(DATASOURCES)} with commas between them, each once, aetos and "
        "prometheus not together"
    )

    def parse(self, text: str) -> tuple[str, ...]:
        """As ``Kind`` says."""
        names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
        unfit = not names or not set(names) <= set(DATASOURCES) or len(set(names)) < len(names)
        if unfit or {"aetos", "prometheus"} <= set(names):
            raise BadValue
        return names


@dataclass(frozen=True)
class PerMetric:
    """Names of metrics with a text each. A text may have commas and colons of its own."""

    rule: str = "metric:text pairs with commas between them"

    def parse(self, text: str) -> Mapping[str, str]:
        """As ``Kind`` says."""
        table: dict[str, str] = {}
        for pair in re.split(r",\s*(?=(?:host|instance)_\w+\s*:)", text.strip().rstrip(",")):
            metric, colon, value = pair.partition(":")
            if not colon or not value.strip():
                raise BadValue
            if not re.fullmatch(r"(host|instance)_\w+", metric.strip()):
                raise BadValue
            table[metric.strip()] = value.strip()
        return table


INTERFACE = Choice(("public", "internal", "admin"))


def _prometheus(values: Named) -> str | None:
    host = values["prometheus_client", "host"]
    scheme = "https" if values["prometheus_client", "cafile"] else "http"
    return None if host is None else f"{scheme}://{host}:{values['prometheus_client', 'port']}"


def _order(values: Named) -> tuple[str, ...]:
    return ("prometheus",) if values["vigil", "prometheus_url"] else _USUAL


def _fqdn_label(section: str) -> Any:
    return option(
        f"{section}.fqdn_label",
        Text(),
        "fqdn",
        "Label that holds a compute host's name in host metrics.",
    )


def _uuid_label(section: str) -> Any:
    return option(
        f"{section}.instance_uuid_label",
        Text(),
        "resource",
        "Label that holds a server's id in server metrics.",
    )


def _per_metric(name: str, help: str) -> Any:  # noqa: A002 - as option() calls it
    return option(f"grafana_client.{name}", PerMetric(), Derived("no metric", lambda _: {}), help)


@dataclass(frozen=True)
class GnocchiSettings:
    """Gnocchi."""

    api_version: str = option(
        "gnocchi_client.api_version", Choice(("1",)), "1", "Version of Gnocchi's API."
    )
    endpoint_type: str = option(
        "gnocchi_client.endpoint_type",
        INTERFACE,
        "public",
        "Which of its endpoints in the catalogue (service type `metric`) is used.",
    )
    region_name: str | None = option(
        "gnocchi_client.region_name", Text(), None, "Its region; not set: the cloud's."
    )
    url: str | None = option(
        "vigil.gnocchi_url",
        Url(("http", "https")),
        None,
        "Address of a Gnocchi that stands alone (its auth_mode is basic). Not set: the "
        "catalogue's, with a Keystone token.",
    )
    username: str | None = option(
        "vigil.gnocchi_username", Text(), None, "User to authenticate to it as."
    )
    password: str | None = option(
        "vigil.gnocchi_password", Text(), None, "That user's password.", secret=True
    )
    polling_interval: float | None = option(
        "vigil.gnocchi_polling_interval",
        Number(1.0),
        None,
        "Seconds between two samples of a server's CPU counter, as Ceilometer polls it. Not set: "
        "one sample per bucket, as the original has always taken for granted.",
    )


@dataclass(frozen=True)
class GrafanaSettings:
    """InfluxDB through Grafana's proxy."""

    token: str | None = option(
        "grafana_client.token", Text(), None, "Token to authenticate with.", secret=True
    )
    base_url: str | None = option(
        "grafana_client.base_url",
        Url(("http", "https")),
        None,
        "Address up to the project, as in https://grafana.example/api/datasources/proxy/.",
    )
    http_timeout: float = option(
        "grafana_client.http_timeout", Number(1.0), 60, "Seconds that a request may take."
    )
    project_id_map: Mapping[str, str] = _per_metric(
        "project_id_map", "Number of the project (data source) of each metric."
    )
    database_map: Mapping[str, str] = _per_metric("database_map", "InfluxDB database of each.")
    attribute_map: Mapping[str, str] = _per_metric(
        "attribute_map",
        "Which attribute of a host (hostname, uuid, hypervisor_hostname) or server (uuid, name) "
        "is {1} of the query. Not named: hostname and uuid.",
    )
    translator_map: Mapping[str, str] = _per_metric(
        "translator_map", "Kind of database of each metric; there is only influxdb."
    )
    query_map: Mapping[str, str] = _per_metric(
        "query_map",
        "Query of each metric: {0} is the aggregate, {1} the attribute, {2} the period in seconds, "
        "{3} the granularity in seconds, {4} the retention policy.",
    )
    retention_periods: Mapping[str, int] = option(
        "grafana_translators.retention_periods",
        Table(1),
        {"one_week": 604800, "one_month": 2592000, "five_years": 31556952},
        "InfluxDB's retention policies and how many seconds each keeps data.",
    )


@dataclass(frozen=True)
class AetosSettings:
    """Prometheus behind Keystone."""

    interface: str = option(
        "aetos_client.interface",
        INTERFACE,
        "public",
        "Which of its endpoints in the catalogue (service type `metric-storage`) is used.",
    )
    region_name: str | None = option(
        "aetos_client.region_name", Text(), None, "Its region; not set: the cloud's."
    )
    fqdn_label: str = _fqdn_label("aetos_client")
    instance_uuid_label: str = _uuid_label("aetos_client")


def _own(strategy: str) -> Any:
    return option(
        f"watcher_strategies.{strategy}.datasources",
        Order(),
        None,
        "Datasources of this strategy in order of preference; not set: as for all.",
    )


@dataclass(frozen=True)
class StrategyDatasources:
    """A strategy's own order of datasources."""

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
        """Strategy → its order, of those that have one."""
        orders = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: order for name, order in orders.items() if order is not None}


@dataclass(frozen=True)
class MetricsSettings:
    """Where measurements come from. The unnested options are Prometheus' own and what all share."""

    gnocchi: GnocchiSettings
    grafana: GrafanaSettings
    aetos: AetosSettings
    strategies: StrategyDatasources
    host: str | None = option(
        "prometheus_client.host", Text("an address"), None, "Address of the Prometheus server."
    )
    port: int = option("prometheus_client.port", PORT, 9090, "Port of the Prometheus server.")
    cafile: Path | None = option(
        "prometheus_client.cafile",
        File(),
        None,
        "Certificates to trust; if set, the server is spoken to over https.",
    )
    prometheus_url: str | None = option(
        "vigil.prometheus_url",
        Url(("http", "https")),
        Derived("http(s)://host:port of [prometheus_client] if its host is set", _prometheus),
        "Where the Prometheus query API answers.",
    )
    fqdn_label: str = _fqdn_label("prometheus_client")
    instance_uuid_label: str = _uuid_label("prometheus_client")
    username: str | None = option(
        "prometheus_client.username", Text(), None, "User to authenticate to Prometheus as."
    )
    password: str | None = option(
        "prometheus_client.password", Text(), None, "That user's password.", secret=True
    )
    certfile: Path | None = option(
        "prometheus_client.certfile", File(), None, "Client certificate to show to Prometheus."
    )
    keyfile: Path | None = option(
        "prometheus_client.keyfile", File(), None, "Key of the client certificate."
    )
    datasources: tuple[str, ...] = option(
        "watcher_datasources.datasources",
        Order(),
        Derived(
            "prometheus if [vigil] prometheus_url is known, else gnocchi,grafana,aetos", _order
        ),
        "Datasources in order of preference. The first that has all metrics that a strategy "
        "requires, and answers, serves it.",
    )
    query_max_retries: int = option(
        "watcher_datasources.query_max_retries",
        Integer(1),
        10,
        "How often a query is tried while the datasource does not answer.",
    )
    query_interval: float = option(
        "watcher_datasources.query_interval", Number(0.0), 1, "Seconds between two tries."
    )
    timeout: float = option(
        "vigil.metrics_timeout",
        Number(1.0, 3600.0),
        60.0,
        "Seconds that a request to Prometheus, Aetos or Gnocchi may take. No query is tried again "
        "after twice as long.",
    )
    metric_map_path: Path = option(
        "watcher_decision_engine.metric_map_path",
        File(),
        Path("/etc/watcher/metric_map.yaml"),
        "A YAML file, if there is one, with other names of metrics: datasource → metric → name.",
    )
