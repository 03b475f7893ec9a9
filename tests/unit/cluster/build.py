"""Short ways to write small clusters."""

from typing import Any

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow


def host(number: int, **changes: Any) -> HostRow:
    """c<number>: 16 cores, 64 GiB, 2000 GB, ratios 1."""
    usual: dict[str, Any] = {"vcpus": 16, "memory_mb": 65536, "disk_gb": 2000}
    return HostRow(id=f"h{number}", name=f"c{number}", **{**usual, **changes})


def server(number: int, at: int | None, **changes: Any) -> ServerRow:
    """vm<number> on c<at>: 2 vCPUs, 2 GiB, 10 GB, active."""
    usual: dict[str, Any] = {"vcpus": 2, "memory_mb": 2048, "disk_gb": 10}
    where = None if at is None else f"c{at}"
    return ServerRow(id=f"s{number}", name=f"vm{number}", host=where, **{**usual, **changes})


def model(
    hosts: list[HostRow],
    servers: list[ServerRow],
    groups: tuple[GroupRow, ...] = (),
    aggregates: tuple[AggregateRow, ...] = (),
) -> ComputeModel:
    """The model of rows that are all usable."""
    built, quarantined = ComputeModel.build(hosts, servers, groups, aggregates)
    assert quarantined == ()
    return built
