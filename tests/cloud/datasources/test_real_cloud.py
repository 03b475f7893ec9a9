"""The datasources that a real cloud's catalogue names, if it names any."""

import numpy as np
import pytest
from openstack.connection import Connection

from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from domain.metrics.catalogue import MetricNeed
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.settings import load
from tests.world.plugins import datasources

pytestmark = pytest.mark.cloud
NEEDS = (MetricNeed(m.HOST_CPU_USAGE, "host"), MetricNeed(m.INSTANCE_CPU_USAGE, "server"))


def _model(connection: Connection) -> ComputeModel:
    found = NovaCollector(connection).collect()
    return ComputeModel.build(found.hosts, found.servers, found.groups, found.aggregates)[0]


@pytest.mark.parametrize(("name", "kind"), [("gnocchi", "metric"), ("aetos", "metric-storage")])
def test_a_datasource_of_the_catalogue_answers_in_range(
    connection: Connection, name: str, kind: str
) -> None:
    if connection.endpoint_for(kind) is None:
        pytest.skip(f"the cloud's catalogue has no {kind}")
    settings = load(flags={"watcher_datasources.datasources": name}, files=[]).settings
    model = _model(connection)
    rows = datasources(settings, connection).preflight(NEEDS, model)
    assert [(row.supported, row.total) for row in rows] == [
        (True, len(model.hosts)),
        (True, len(model.servers)),
    ]
    for row in rows:
        assert row.least is None or 0.0 <= row.least <= (row.most or 0.0) <= 100.0


def test_where_the_catalogue_has_none_everything_is_unknown_and_each_is_named(
    connection: Connection,
) -> None:
    if any(connection.endpoint_for(kind) is not None for kind in ("metric", "metric-storage")):
        pytest.skip("the cloud has a datasource")
    chosen = datasources(load(files=[]).settings, connection)
    fetched = chosen.fetch(NEEDS, _model(connection))
    assert all(np.isnan(column).all() for column in fetched.table.values.values())
    said = " ".join(map(str, fetched.problems))
    assert all(name in said for name in ("gnocchi", "grafana", "aetos"))
