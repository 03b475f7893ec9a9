"""Clusters as columns: models, branches of them, and the rules of placement."""

from domain.cluster.baremetal import BaremetalModel
from domain.cluster.baremetal_rows import BaremetalNodeRow
from domain.cluster.branch import Branch, Move, Switch
from domain.cluster.checker import Checker
from domain.cluster.compute import ComputeModel
from domain.cluster.constraints import Constraints, Explanation
from domain.cluster.load import Load
from domain.cluster.rows import AggregateRow, GroupRow, HostRow, Quarantined, ServerRow
from domain.cluster.rules.flights import Concurrency
from domain.cluster.rules.operator import Fence, OperatorRules
from domain.cluster.scope import Scope, Selection, parse_scope
from domain.cluster.scope_baremetal import BaremetalScope, parse_baremetal_scope
from domain.cluster.scope_storage import StorageScope, parse_storage_scope
from domain.cluster.storage import StorageModel
from domain.cluster.storage_rows import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)

__all__ = [
    "AggregateRow",
    "Attachment",
    "BaremetalModel",
    "BaremetalNodeRow",
    "BaremetalScope",
    "Branch",
    "Checker",
    "ComputeModel",
    "Concurrency",
    "Constraints",
    "Explanation",
    "Fence",
    "GroupRow",
    "HostRow",
    "Load",
    "Move",
    "OperatorRules",
    "PoolRow",
    "Quarantined",
    "Scope",
    "Selection",
    "ServerRow",
    "StorageModel",
    "StorageNodeRow",
    "StorageScope",
    "Switch",
    "VolumeRow",
    "VolumeTypeRow",
    "parse_baremetal_scope",
    "parse_scope",
    "parse_storage_scope",
]
