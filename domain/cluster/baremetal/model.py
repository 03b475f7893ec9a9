"""The bare-metal model: the nodes that Ironic or MAAS manages, as immutable columns.

Index order is the order of uuids, so the model does not depend on the order in which the cloud
lists them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import QuarantinedRecord, bad_value
from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import BoolArray, Coded, indices_of, mapping
from domain.cluster.table.values import UnreadableValue, truth
from domain.kernel.reasons import Cause

_COMPUTE_NODE = "compute_node_id"


@dataclass(frozen=True, eq=False)
class BaremetalColumns(ColumnTable):
    """Nodes by index (0-based, in order of uuid). Meanings as in BaremetalNodeRow.

    Attributes:
        compute_node: id or host name of the hypervisor that runs on it, from ``extra``; None if it
            is not set.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    power_state: Coded[str]
    target_power_state: Coded[str]
    maintenance: BoolArray
    maintenance_reason: Coded[str | None]
    provision_state: Coded[str]
    fault: Coded[str]
    extra: Coded[Mapping[str, object]]
    compute_node: tuple[str | None, ...]
    properties: Coded[Mapping[str, object]]
    resource_class: Coded[str]
    instance_id: tuple[str | None, ...]

    @classmethod
    def of(cls, rows: Sequence[BaremetalNodeRow]) -> "BaremetalColumns":
        """The columns of some rows, in that order."""
        return cls.from_rows(
            rows,
            maintenance=(bool(truth(r.maintenance)) for r in rows),
            extra=(_ordered(r.extra) for r in rows),
            compute_node=(_compute_node(r.extra) for r in rows),
            properties=(_ordered(r.properties) for r in rows),
        )


@dataclass(frozen=True, eq=False)
class BaremetalModel:
    """The bare-metal nodes of a cloud (or of the part in scope)."""

    nodes: BaremetalColumns

    @staticmethod
    def build(
        rows: Iterable[BaremetalNodeRow],
        aside: Iterable[QuarantinedRecord] = (),
    ) -> "tuple[BaremetalModel, tuple[QuarantinedRecord, ...]]":
        """Returns the model of the usable records, and the quarantined records.

        ``aside``: records that were quarantined before, because no row could be made of them.
        """
        good: list[BaremetalNodeRow] = []
        bad = list(aside)
        seen: set[str] = set()
        for row in rows:
            why = _defect(row, seen)
            seen.add(row.id)
            if why is None:
                good.append(row)
            else:
                bad.append(QuarantinedRecord("bare-metal node", row.id, why))
        good.sort(key=lambda row: row.id)
        return BaremetalModel(BaremetalColumns.of(good)), tuple(bad)

    def to_columns(self) -> dict[str, object]:
        """The JSON form, canonical: equal models give equal forms. ``from_columns`` reverses it."""
        return {"nodes": self.nodes.to_columns()}

    @staticmethod
    def from_columns(data: Mapping[str, object]) -> "BaremetalModel":
        """Reads a model from its JSON form."""
        return BaremetalModel(BaremetalColumns.from_columns(mapping(data["nodes"])))

    def restrict(self, mask: BoolArray) -> "BaremetalModel":
        """Returns the part of the model in a scope (bool[nodes], the nodes to keep)."""
        return replace(self, nodes=self.nodes.take(np.flatnonzero(mask)))

    @cached_property
    def node_places(self) -> Mapping[str, int]:
        """Uuid → index."""
        return indices_of(self.nodes.id)

    @cached_property
    def by_compute_node(self) -> Mapping[str, int]:
        """Hypervisor id or host name → index of its node; of several, the first."""
        found: dict[str, int] = {}
        for place, hypervisor in enumerate(self.nodes.compute_node):
            if hypervisor is not None:
                found.setdefault(hypervisor, place)
        return found

    @cached_property
    def powered(self) -> BoolArray:
        """bool[nodes]: the power state is on."""
        return self.nodes.power_state.where(lambda state: state == "power on")


def _defect(row: BaremetalNodeRow, seen: set[str]) -> Cause | None:
    resource = row.name or row.id
    if row.id in seen:
        return bad_value("id", resource, row.id)
    try:
        maintenance = truth(row.maintenance)
    except UnreadableValue:
        return bad_value("maintenance", resource, row.maintenance)
    if maintenance is None:
        return bad_value("maintenance", resource, "missing")
    for field in ("extra", "properties"):
        if not isinstance(getattr(row, field), Mapping):
            return bad_value(field, resource, getattr(row, field))
    return None


def _compute_node(extra: Mapping[str, object]) -> str | None:
    value = extra.get(_COMPUTE_NODE)
    return None if value in (None, "") else str(value)


def _ordered(data: Mapping[str, object]) -> Mapping[str, object]:
    """The data with the members of all objects sorted: equal data give equal JSON."""
    ordered: dict[str, object] = json.loads(json.dumps(data, sort_keys=True))
    return ordered
