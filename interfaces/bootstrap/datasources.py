"""The datasources of metrics."""

from collections.abc import Mapping
from typing import Any

from openstack.connection import Connection

from infrastructure.datasources.datasource import Datasource, DatasourceContext
from infrastructure.datasources.metric_map import Names, metric_map
from infrastructure.datasources.selection import Datasources, Listed, UndescribedDatasource
from infrastructure.settings import MetricsSettings


def datasources(
    chosen: MetricsSettings, connection: Connection, installed: Mapping[str, Datasource[Any]]
) -> Datasources:
    """The configured datasources in order of preference; sends no request yet.

    It is a ``MetricSource`` in the global order; ``of(strategy)`` has the strategy's own order.

    Args:
        chosen: the settings.
        connection: to the cloud whose catalogue has the endpoints of Gnocchi and Aetos.
        installed: the installed datasources.

    Raises:
        ValueError: the settings of a datasource are inconsistent.
    """
    names = metric_map(chosen.metric_map_path, installed)
    own = chosen.strategies.chosen()
    listed = dict.fromkeys(
        (*chosen.datasources, *(name for order in own.values() for name in order))
    )
    sources = {
        name: _opened(installed[name], chosen, connection, names.get(name, {}))
        if name in installed
        else UndescribedDatasource(name, "the plug-in does not work (vigil plugins list)")
        for name in listed
    }
    return Datasources(sources, chosen.datasources, own)


def _opened(
    kind: Datasource[Any], chosen: MetricsSettings, connection: Connection, names: Names
) -> Listed:
    return kind.open(DatasourceContext(kind.options(), chosen, connection, names))
