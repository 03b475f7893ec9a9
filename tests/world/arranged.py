"""Clouds and metrics that answer with what a test arranges."""

from collections.abc import Callable, Mapping, Sequence

from application.ports.cloud import BaremetalRows, ComputeRows, StorageRows
from application.ports.metrics import Fetched, MetricCheck
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeTypeRow
from domain.metrics.catalogue import MetricNeed, MetricTable
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


class ArrangedMetrics(Arranged):
    """A datasource.

    Attributes:
        values: metric → id of a host or server → value; all others are unknown.
    """

    name = "arranged"

    def __init__(self) -> None:
        super().__init__()
        self.values: Mapping[str, Mapping[str, float]] = {}

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        return {need.name: True for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        self._raise_next()
        found = {need: self.values.get(need.name, {}) for need in needs}
        return Fetched(MetricTable.from_values(model, found), (), 0)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        return ()
