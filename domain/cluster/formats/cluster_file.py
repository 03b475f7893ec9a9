"""The cluster file: one JSON object, a versioned superset of the portable form.

docs/cluster-file.md describes both. Writing and reading a model gives the same model, in every
column. Files of other tools in the portable form can be read too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.allocations import allocations_record
from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.numa.cells import topology_record
from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.portable import PORTABLE_NAMES, Values, read_portable
from domain.cluster.formats.portable_fields import measured, truth, whole
from domain.cluster.formats.storage_file import KEY as STORAGE
from domain.cluster.formats.storage_file import read_storage, write_storage
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import bools, frozen, ints, mapping, sequence
from domain.kernel.errors import InvalidValue
from domain.metrics.catalogue import (
    HOST_CPU_USAGE,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_RAM_ALLOCATED,
    INSTANCE_RAM_USAGE,
    INSTANCE_ROOT_DISK_SIZE,
)

FORMAT = "vigil-cluster"
VERSION = 1
_HOST_FIGURES = {HOST_CPU_USAGE: ("cpu_util_pct", 1.0), HOST_RAM_USAGE: ("ram_used_mb", 1024.0)}
_SERVER_FIGURES = {
    INSTANCE_CPU_USAGE: ("cpu_util_pct", 1.0),
    INSTANCE_RAM_USAGE: ("ram_used_mb", 1.0),
}
"""Metrics that are stored in the record of their host or server: name and unit there."""
_DERIVED = frozenset({INSTANCE_RAM_ALLOCATED, INSTANCE_ROOT_DISK_SIZE})
"""Metrics that follow from the model."""


@dataclass(frozen=True)
class ClusterFile:
    """The contents of a cluster file.

    Attributes:
        model: the model of the usable records.
        quarantined: the other records.
        metrics: metric name → id → value, in the units of domain.metrics.catalogue.
        meta: the file's metadata.
        baremetal: the model of the usable nodes; None if the file has no list of nodes.
        storage: the storage model; None if the file has none.
    """

    model: ComputeModel
    quarantined: tuple[QuarantinedRecord, ...]
    metrics: Values
    meta: Mapping[str, object]
    baremetal: BaremetalModel | None = None
    storage: StorageModel | None = None


def write_cluster(
    model: ComputeModel,
    metrics: Mapping[str, Mapping[str, float]] | None = None,
    meta: Mapping[str, object] | None = None,
    baremetal: BaremetalModel | None = None,
    storage: StorageModel | None = None,
) -> dict[str, object]:
    """The JSON form of models with their metrics (name → id → value)."""
    known = metrics or {}
    in_records = {*_HOST_FIGURES, *_SERVER_FIGURES, *_DERIVED}
    columns = model.to_columns()
    others: dict[str, object] = {}
    if baremetal is not None:
        others["nodes"] = _node_records(baremetal)
    if storage is not None:
        others[STORAGE] = write_storage(storage)
    return {
        "format": FORMAT,
        "version": VERSION,
        "meta": dict(meta or {}),
        "hosts": _host_records(model.hosts, known),
        "instances": _server_records(model.servers, model.hosts, known),
        "unplaced": _server_records(model.unplaced, model.hosts, known),
        "groups": columns["groups"],
        "aggregates": columns["aggregates"],
        "outside": columns["outside"],
        "metrics": {name: dict(known[name]) for name in sorted(known) if name not in in_records},
        **others,
    }


def read_cluster(data: Mapping[str, object]) -> ClusterFile:
    """Reads a cluster file, or a file in the portable form.

    Raises:
        InvalidValue: names the bad field; also for an unknown version.
    """
    _check_version(data)
    portable = read_portable(data)
    model, quarantined = ComputeModel.build(
        portable.hosts, portable.servers, portable.groups, portable.aggregates
    )
    baremetal, bad = BaremetalModel.build(portable.nodes or ())
    storage, unusable = read_storage(data) or (None, ())
    return ClusterFile(
        model=_marked(model, data),
        quarantined=(*quarantined, *bad, *unusable),
        metrics={**portable.metrics, **_more_metrics(data)},
        meta=_object(data, "meta"),
        baremetal=None if portable.nodes is None else baremetal,
        storage=storage,
    )


# -- writing -------------------------------------------------------------------------------------


def _host_records(hosts: HostColumns, metrics: Mapping[str, Mapping[str, float]]) -> list[Any]:
    records = _records(hosts)
    for record in records:
        unseen, generation = record.pop("unseen"), record["generation"]
        record["generation"] = None if generation < 0 else generation
        if unseen:
            record["unseen"] = unseen
        cells = topology_record(record.pop("numa"))
        if cells is not None:
            record["numa"] = cells
        held = record.pop("other_allocations")
        if held:
            record["other_allocations"] = allocations_record(held)
        record.update(_figures(record["id"], _HOST_FIGURES, metrics))
    return records


def _server_records(
    servers: ServerColumns, hosts: HostColumns, metrics: Mapping[str, Mapping[str, float]]
) -> list[Any]:
    records = _records(servers)
    for record in records:
        place = record["host"]
        record["host"] = None if place < 0 else hosts.id[place]
        del record["updated_at"]  # a version has no meaning without its cloud
        if not record["excluded"]:
            del record["excluded"]
        if record["numa_nodes"] is None:
            del record["numa_nodes"]
        record.update(_figures(record["id"], _SERVER_FIGURES, metrics))
    return records


def _node_records(model: BaremetalModel) -> list[Any]:
    names = [name for name, _ in model.nodes.columns() if name != "compute_node"]  # from extra
    return model.nodes.records({name: name for name in names})


def _records(table: ColumnTable) -> list[dict[str, Any]]:
    return table.records({PORTABLE_NAMES.get(name, name): name for name, _ in table.columns()})


def _figures(
    identity: str,
    names: Mapping[str, tuple[str, float]],
    metrics: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    return {
        key: metrics[name][identity] / unit
        for name, (key, unit) in names.items()
        if name in metrics and identity in metrics[name]
    }


# -- reading -------------------------------------------------------------------------------------


def _check_version(data: Mapping[str, object]) -> None:
    form = data.get("format")
    if form is None:
        return  # the portable form has none
    if form != FORMAT:
        raise InvalidValue("format", f"must be {FORMAT!r}, not {form!r}")
    if data.get("version") != VERSION:
        raise InvalidValue("version", f"must be {VERSION}, not {data.get('version')!r}")


def _listed(data: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    try:
        return [mapping(record) for record in sequence(data.get(name, []))]
    except TypeError as error:
        raise InvalidValue(name, f"must be a list of objects ({error})") from error


def _object(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    try:
        return mapping(data.get(name, {}))
    except TypeError as error:
        raise InvalidValue(name, f"must be an object ({error})") from error


def _more_metrics(data: Mapping[str, object]) -> Values:
    found: Values = {}
    for name, values in _object(data, "metrics").items():
        place = f"metrics.{name}"
        if not isinstance(values, dict):
            raise InvalidValue(place, "must be an object: id to value")
        found[name] = {
            key: float(measured(f"{place}.{key}", value)) for key, value in values.items()
        }
    return found


def _marked(model: ComputeModel, data: Mapping[str, object]) -> ComputeModel:
    """The model with the fields that only a cluster file has: unseen, excluded, outside."""
    lost = {
        str(host.get("id")): whole(f"hosts[{at}].unseen", count)
        for at, host in enumerate(_listed(data, "hosts"))
        if (count := host.get("unseen")) is not None
    }
    fixed = {
        str(server.get("id"))
        for name in ("instances", "unplaced")
        for at, server in enumerate(_listed(data, name))
        if (excluded := server.get("excluded")) is not None
        and truth(f"{name}[{at}].excluded", excluded)
    }
    outside = data.get("outside", [])
    if not isinstance(outside, list) or not all(isinstance(one, str) for one in outside):
        raise InvalidValue("outside", "must be a list of server ids")
    unseen = [
        int(seen) + lost.get(host, 0)
        for host, seen in zip(model.hosts.id, model.hosts.unseen, strict=True)
    ]
    return replace(
        model,
        hosts=replace(model.hosts, unseen=ints(unseen)),
        servers=_excluding(model.servers, fixed),
        unplaced=_excluding(model.unplaced, fixed),
        outside=frozenset(outside),
    )


def _excluding(servers: ServerColumns, fixed: set[str]) -> ServerColumns:
    named = bools(identity in fixed for identity in servers.id)
    return replace(servers, excluded=frozen(servers.excluded | named))
