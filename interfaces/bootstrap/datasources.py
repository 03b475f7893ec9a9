"""The datasources of metrics."""

import logging
from typing import Any

from openstack.connection import Connection

from infrastructure.datasources.datasource import Datasource, DatasourceContext
from infrastructure.datasources.metric_map import metric_map
from infrastructure.datasources.selection import Datasources, Listed, UndescribedDatasource
from infrastructure.plugins import PluginOptions, Registry
from infrastructure.settings import Settings

LOG = logging.getLogger(__name__)


def datasources(settings: Settings, connection: Connection, registry: Registry) -> Datasources:
    """The configured datasources in order of preference; sends no request yet.

    It is a ``MetricSource`` in the global order; ``of(strategy)`` has the strategy's own order.

    Args:
        settings: of this process.
        connection: to the cloud, whose catalogue may have endpoints of datasources.
        registry: the installed plug-ins.

    Raises:
        ValueError: the settings of a datasource are inconsistent.
        SettingsError: an option of a plug-in is invalid.
    """
    chosen = settings.metrics
    options = PluginOptions(registry, settings.sources)
    own = {**options.datasource_orders(), **chosen.strategies.chosen()}
    listed = dict.fromkeys(
        (*chosen.datasources, *(name for order in own.values() for name in order))
    )
    names = metric_map(chosen.metric_map_path, registry.datasources)
    given = options.of("datasource")
    sources: dict[str, Listed] = {}
    for name in listed:
        kind = registry.datasources.get(name)
        if kind is None:
            sources[name] = UndescribedDatasource(name, "its plug-in does not work")
        else:
            context = DatasourceContext(given[name], chosen, connection, names.get(name, {}))
            sources[name] = _opened(kind, context)
    return Datasources(sources, chosen.datasources, own)


def _opened(kind: Datasource[Any], context: DatasourceContext[Any]) -> Listed:
    try:
        return kind.open(context)
    except ValueError:
        raise
    except Exception as error:
        LOG.exception("datasource %s does not open", kind.name)
        return UndescribedDatasource(kind.name, f"does not open: {type(error).__name__}: {error}")
