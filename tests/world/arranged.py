"""Clouds and metrics that answer with what a test arranges."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from application.ports.cloud import BaremetalRows, ComputeRows, StorageRows
from application.ports.metrics import Fetched
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeTypeRow
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed, MetricTable
from infrastructure.datasources.bulk import BulkSource, Reading
from infrastructure.datasources.measures import MEASURES
from tests.world.values import host, server, volume


class Arranged:
    """Answers, after it has raised the arranged errors.

    Attributes:
        surprises: raised by the next calls, one each.
    """

    def __init__(self) -> None:
        self.surprises: list[Exception] = []

    def _raise_next(self) -> None:
        if self.surprises:
            raise self.surprises.pop(0)


class ArrangedCloud(Arranged):
    """Three hosts with four servers.

    Attributes:
        meanwhile: called during a collection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[HostRow] = [host("a"), host("b"), host("c")]
        self.servers: list[ServerRow] = [
            server("1", "a"),
            server("2", "a"),
            server("3", "b"),
            server("4", "c"),
        ]
        self.meanwhile: Callable[[], None] = lambda: None

    def collect(self) -> ComputeRows:
        self._raise_next()
        self.meanwhile()
        return ComputeRows(self.hosts, self.servers, (), ())

    def host_states(self) -> dict[str, str]:
        self._raise_next()
        return {host.name: host.state for host in self.hosts}


class ArrangedStorage(Arranged):
    """Two storage nodes with a pool each, and three volumes."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = [StorageNodeRow("s1@ssd", "z1"), StorageNodeRow("s2@hdd", "z2")]
        self.pools = [
            PoolRow("s1@ssd#fast", "ssd", total_gb=1000, free_gb=800, provisioned_gb=200),
            PoolRow("s2@hdd#slow", "hdd", total_gb="infinite", free_gb="unknown"),
        ]
        self.types = [VolumeTypeRow("t1", "fast", "ssd"), VolumeTypeRow("t2", "slow", "hdd")]
        self.volumes = [
            volume("1", "s1@ssd#fast"),
            volume("2", "s1@ssd#fast"),
            volume("3", "s2@hdd#slow", volume_type="slow"),
        ]

    def collect(self) -> StorageRows:
        self._raise_next()
        return StorageRows(self.nodes, self.pools, self.volumes, self.types, calls=5)


class ArrangedBaremetal(Arranged):
    """Two bare-metal nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.machines = [
            BaremetalNodeRow(f"m{number}", power_state="power on", maintenance=False)
            for number in (1, 2)
        ]

    def collect(self) -> BaremetalRows:
        self._raise_next()
        return BaremetalRows(self.machines, calls=1)


Value = float | Callable[[MetricNeed], float | None]
"""A value, or what it is for a need (its aggregate, its period)."""


class ArrangedMetrics(Arranged, BulkSource):
    """A datasource that passes the conformance suite of the others (tests/conformance/datasources).

    Attributes:
        values: metric → id of a host or server → value; all others are unknown.
        problems: of every metric that is read.
    """

    name = "arranged"

    def __init__(self) -> None:
        super().__init__()
        self.values: Mapping[str, Mapping[str, Value]] = {}
        self.problems: tuple[Cause, ...] = ()
        self._sent = 0

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        self._raise_next()
        return super().fetch(needs, model)

    def _has_mapping(self, metric: str) -> bool:
        return metric in MEASURES

    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        self._sent += 1
        held = {
            resource: value(need) if callable(value) else value
            for resource, value in self.values.get(need.name, {}).items()
        }
        read = MetricTable.from_values(model, {need: held})[need]
        return Reading(read, self.problems, None if np.isnan(read).all() else 0.0)

    def _probe(self) -> None:
        self._sent += 1

    def _calls(self) -> int:
        return self._sent
