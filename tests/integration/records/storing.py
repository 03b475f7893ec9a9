"""Block storage and bare metal that a test can arrange, and collectors of their models."""

from typing import Any

from application.cluster_models.collection import ModelCollector
from application.cluster_models.kinds import BAREMETAL, STORAGE
from application.ports.cloud import BaremetalRows, StorageRows
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from tests.integration.workshop import Workshop


def volume(name: str, pool: str | None, **changes: Any) -> VolumeRow:
    """A free volume of 10 GB."""
    fields: dict[str, Any] = {
        "size_gb": 10,
        "status": "available",
        "volume_type": "fast",
        "bootable": "false",
        "multiattach": False,
        "encrypted": False,
        "project_id": "p",
    }
    return VolumeRow(id=f"id-{name}", name=name, pool=pool, **{**fields, **changes})


class ArrangedStorage:
    """A collector that answers with what a test arranged, after the surprises it arranged."""

    def __init__(self) -> None:
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
        self.surprises: list[Exception] = []

    def collect(self) -> StorageRows:
        if self.surprises:
            raise self.surprises.pop(0)
        return StorageRows(self.nodes, self.pools, self.volumes, self.types, calls=5)


class ArrangedBaremetal:
    """A collector that answers with what a test arranged, after the surprises it arranged."""

    def __init__(self) -> None:
        self.machines = [
            BaremetalNodeRow(f"m{number}", power_state="power on", maintenance=False)
            for number in (1, 2)
        ]
        self.surprises: list[Exception] = []

    def collect(self) -> BaremetalRows:
        if self.surprises:
            raise self.surprises.pop(0)
        return BaremetalRows(self.machines, calls=1)


def storage_collector(shop: Workshop, cloud: ArrangedStorage) -> ModelCollector[StorageModel]:
    """Keeps the storage model."""
    return shop.collector_of(STORAGE, cloud)


def baremetal_collector(shop: Workshop, cloud: ArrangedBaremetal) -> ModelCollector[BaremetalModel]:
    """Keeps the bare-metal model."""
    return shop.collector_of(BAREMETAL, cloud)
