"""The datasources of the product, made from its settings."""

from collections.abc import Mapping
from typing import Any

from application.kernel.retry import RetryPolicy
from domain.kernel.options import NoOptions
from infrastructure.datasources.datasource import Datasource, DatasourceContext
from infrastructure.datasources.endpoint import CatalogueEndpoint, HttpReader, UrlEndpoint
from infrastructure.datasources.gnocchi import GnocchiSource
from infrastructure.datasources.gnocchi_api import GnocchiApi
from infrastructure.datasources.grafana import TRANSLATORS, GrafanaSource, Panel
from infrastructure.datasources.influxql import BadTemplate, Template
from infrastructure.datasources.metric_map import Names
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from infrastructure.datasources.promql import Labels
from infrastructure.datasources.selection import Listed, UndescribedDatasource
from infrastructure.settings import GrafanaSettings, MetricsSettings

Context = DatasourceContext[Any]


def _retry_policy(chosen: MetricsSettings, timeout: float) -> RetryPolicy:
    return RetryPolicy(
        first_pause=chosen.query_interval,
        factor=1.0,
        attempts=chosen.query_max_retries,
        time_limit=2 * timeout,
    )


class Gnocchi(Datasource[NoOptions]):
    """Gnocchi, from the catalogue or at a URL."""

    name = "gnocchi"

    def open(self, context: Context) -> Listed:
        """A source made from the settings."""
        chosen = context.settings
        own = chosen.gnocchi
        endpoint: UrlEndpoint | CatalogueEndpoint
        if own.url is not None:
            # Gnocchi's basic auth_mode accepts any password, but needs one
            credentials = (own.username, own.password or "") if own.username else None
            endpoint = UrlEndpoint(
                own.url.rstrip("/").removesuffix("/v1"),
                credentials=credentials,
                timeout=chosen.timeout,
            )
        else:
            endpoint = CatalogueEndpoint(
                context.connection,
                service_type="metric",
                interface=own.endpoint_type,
                region=own.region_name,
                timeout=chosen.timeout,
            )
        api = GnocchiApi(HttpReader(endpoint, _retry_policy(chosen, chosen.timeout)))
        return GnocchiSource(api, polling=own.polling_interval, names=context.names)


class Prometheus(Datasource[NoOptions]):
    """Prometheus at a URL."""

    name = "prometheus"

    def open(self, context: Context) -> Listed:
        """A source made from the settings."""
        chosen = context.settings
        if chosen.prometheus_url is None:
            return UndescribedDatasource("prometheus", "[prometheus_client] host is not set")
        if (chosen.certfile is None) != (chosen.keyfile is None):
            raise ValueError("[prometheus_client] certfile and keyfile have to be set together")
        certificate = None
        if chosen.certfile is not None and chosen.keyfile is not None:
            certificate = (str(chosen.certfile), str(chosen.keyfile))
        has_credentials = chosen.username and chosen.password
        endpoint = UrlEndpoint(
            chosen.prometheus_url,
            credentials=(chosen.username or "", chosen.password or "") if has_credentials else None,
            cafile=str(chosen.cafile) if chosen.cafile else None,
            certificate=certificate,
            timeout=chosen.timeout,
        )
        labels = Labels(host=chosen.fqdn_label, server=chosen.instance_uuid_label)
        api = PrometheusApi(HttpReader(endpoint, _retry_policy(chosen, chosen.timeout)))
        return PrometheusSource(api, labels, "prometheus", context.names)


class Aetos(Datasource[NoOptions]):
    """Prometheus behind Keystone."""

    name = "aetos"

    def open(self, context: Context) -> Listed:
        """A source made from the settings."""
        chosen = context.settings
        own = chosen.aetos
        endpoint = CatalogueEndpoint(
            context.connection,
            service_type="metric-storage",
            interface=own.interface,
            region=own.region_name,
            timeout=chosen.timeout,
        )
        labels = Labels(host=own.fqdn_label, server=own.instance_uuid_label)
        api = PrometheusApi(HttpReader(endpoint, _retry_policy(chosen, chosen.timeout)))
        return PrometheusSource(api, labels, "aetos", context.names)


class Grafana(Datasource[NoOptions]):
    """InfluxDB behind Grafana."""

    name = "grafana"

    def open(self, context: Context) -> Listed:
        """A source made from the settings."""
        chosen = context.settings
        own = chosen.grafana
        missing = [
            name for name, value in (("token", own.token), ("base_url", own.base_url)) if not value
        ]
        if own.base_url is None or own.token is None:
            return UndescribedDatasource(
                "grafana", f"[grafana_client] {' and '.join(missing)} not set"
            )
        panels = _panels(own, context.names)
        if not panels:
            return UndescribedDatasource("grafana", "[grafana_client] describes no metric")
        endpoint = UrlEndpoint(own.base_url, token=own.token, timeout=own.http_timeout)
        reader = HttpReader(endpoint, _retry_policy(chosen, own.http_timeout))
        try:
            return GrafanaSource(reader, panels, own.retention_periods)
        except ValueError as error:
            raise ValueError(f"[grafana_client] attribute_map: {error}") from error


def _panels(own: GrafanaSettings, names: Names) -> dict[str, Panel]:
    """The panels of the metrics that are completely described; the metric map has precedence."""
    maps: dict[str, Mapping[str, str]] = {
        "project": own.project_id_map,
        "db": own.database_map,
        "attribute": own.attribute_map,
        "translator": own.translator_map,
        "query": own.query_map,
    }
    described: dict[str, dict[str, str]] = {}
    for part, texts in maps.items():
        for metric, text in texts.items():
            described.setdefault(metric, {})[part] = text
    for metric, override in names.items():
        if isinstance(override, dict):
            parts = {str(part): str(text) for part, text in override.items()}
            described.setdefault(metric, {}).update(parts)
    needed = ("project", "db", "translator", "query")
    return {
        metric: _panel(metric, parts)
        for metric, parts in described.items()
        if all(parts.get(part) for part in needed)
    }


def _panel(metric: str, parts: Mapping[str, str]) -> Panel:
    if parts["translator"].lower() not in TRANSLATORS:
        raise ValueError(
            f"[grafana_client] translator_map: {parts['translator']} of {metric} is not one of "
            f"{', '.join(TRANSLATORS)}"
        )
    try:
        template = Template(parts["query"])
    except BadTemplate as error:
        raise ValueError(f"[grafana_client] query_map: {metric}: {error}") from error
    return Panel(parts["project"], parts["db"], template, parts.get("attribute", ""))
