"""Decision records as they are stored."""

from datetime import UTC, datetime
from typing import Any

from application.records.decision import FORMAT, DecisionRecord, encode
from application.simulation.offline import metric_table
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.cluster_file import ClusterFile
from domain.cluster.formats.portable import Values
from domain.optimization.scoring import EngineIdentity
from domain.optimization.strategy import Strategy
from tests.world.values import host, server

NO_METRICS: Values = {}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def small_cluster() -> ClusterFile:
    """Two hosts with a server each."""
    rows = [host("a"), host("b")], [server("1", "a"), server("2", "b")]
    model, _ = ComputeModel.build(*rows, (), ())
    return ClusterFile(model, (), NO_METRICS, {})


def decision_record(
    strategy: Strategy[Any],
    cluster: ClusterFile | None = None,
    parameters: dict[str, Any] | None = None,
    engines: tuple[EngineIdentity, ...] = (),
) -> bytes:
    """The record of a run on a cluster; by default a small one."""
    cluster = cluster or small_cluster()
    required = strategy.requirements(strategy.parameters())
    metrics = metric_table(cluster.model, cluster.metrics, required)
    return encode(
        DecisionRecord(
            format=FORMAT,
            code="test",
            goal=strategy.goal,
            strategy=strategy.name,
            planner=strategy.planner,
            planner_options={},
            parameters=parameters or {},
            seed=7,
            collected_at=AT,
            scope=[],
            model=cluster.model.to_columns(),
            metrics=metrics.to_columns(),
            problems=[],
            engines=engines,
        )
    )
