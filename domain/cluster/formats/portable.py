"""A neutral JSON form of a cluster, for benchmarks and offline runs: no cloud needed.

``{"hosts": […], "instances": […], "groups": […], "aggregates": […]}``. A host has ``id``, ``name``,
``vcpus``, ``ram_mb``, ``disk_gb``, ratios, reservations, ``state``, ``status`` and, measured,
``cpu_util_pct`` (%) and ``ram_used_mb``. An instance has ``id``, ``name``, ``host`` (the host's id
or name), flavor figures, ``state`` and the same two measured figures. Every other field of the row
records may be given under its own name.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, TypeVar

from domain.cluster.compute.allocations import read_allocations
from domain.cluster.compute.numa.cells import read_topology
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from domain.cluster.formats import portable_fields as shapes
from domain.cluster.formats.portable_fields import Reader
from domain.cluster.table.columns import mapping, sequence
from domain.kernel.errors import InvalidValue

Row = TypeVar("Row")
Values = dict[str, dict[str, float]]
_Record = tuple[str, Mapping[str, object]]
"""What to call a record in errors, such as ``hosts[3]``, and the record."""
_KIB_PER_MB = 1024.0
_HOST_NAMES = {"ram_mb": "memory_mb", "ram_reserved_mb": "memory_reserved_mb"}
_SERVER_NAMES = {"ram_mb": "memory_mb", "project": "project_id"}
_HOST = {**shapes.HOST, "numa": read_topology, "other_allocations": read_allocations}


@dataclass(frozen=True)
class PortableCluster:
    """What the neutral form holds.

    Attributes:
        hosts: host rows.
        servers: server rows.
        groups: server groups.
        aggregates: host aggregates.
        metrics: metric name → id → value, in the units of domain.metrics.catalogue.
    """

    hosts: tuple[HostRow, ...]
    servers: tuple[ServerRow, ...]
    groups: tuple[GroupRow, ...]
    aggregates: tuple[AggregateRow, ...]
    metrics: Values


def read_neutral(data: Mapping[str, object]) -> PortableCluster:
    """Reads the neutral form.

    Raises:
        InvalidValue: names the list and the place in it that is not as it should be.
    """
    hosts = _placed(data, "hosts")
    servers = [*_placed(data, "instances"), *_placed(data, "unplaced")]
    host_rows = _rows(HostRow, hosts, _HOST_NAMES, _HOST)
    names = {row.id: row.name for row in host_rows}
    server_rows = _rows(ServerRow, servers, _SERVER_NAMES, shapes.SERVER)
    return PortableCluster(
        hosts=tuple(host_rows),
        servers=tuple(
            row if row.host is None else replace(row, host=names.get(row.host, row.host))
            for row in server_rows
        ),
        groups=tuple(_rows(GroupRow, _placed(data, "groups"), {}, shapes.GROUP)),
        aggregates=tuple(_rows(AggregateRow, _placed(data, "aggregates"), {}, shapes.AGGREGATE)),
        metrics={
            "host_cpu_usage": _measured(hosts, "cpu_util_pct"),
            "host_ram_usage": _measured(hosts, "ram_used_mb", _KIB_PER_MB),
            "instance_cpu_usage": _measured(servers, "cpu_util_pct"),
            "instance_ram_usage": _measured(servers, "ram_used_mb"),
            "instance_ram_allocated": _allotted(server_rows, "memory_mb"),
            "instance_root_disk_size": _allotted(server_rows, "disk_gb"),
        },
    )


def _placed(data: Mapping[str, object], name: str) -> list[_Record]:
    """The records of a list, each with its place."""
    try:
        records = [mapping(record) for record in sequence(data.get(name, []))]
    except TypeError as error:
        raise InvalidValue(name, f"must be a list of objects ({error})") from error
    return [(f"{name}[{place}]", record) for place, record in enumerate(records)]


def _rows(
    kind: type[Row],
    records: list[_Record],
    renamed: Mapping[str, str],
    readers: Mapping[str, Reader],
) -> list[Row]:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    needed = {name for name, one in known.items() if _required(one)}
    rows: list[Row] = []
    for place, record in records:
        values: dict[str, Any] = {}
        for key, value in record.items():
            field = renamed.get(key, key)
            if field in shapes.AMOUNTS and field in known:
                values[field] = value
            elif field in readers and (value is not None or field in needed):
                values[field] = readers[field](f"{place}.{key}", value)
        try:
            rows.append(kind(**values))
        except TypeError as error:
            raise InvalidValue(place, f"lacks a field ({error})") from error
    return rows


def _required(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _measured(records: list[_Record], key: str, factor: float = 1.0) -> dict[str, float]:
    return {
        str(record["id"]): shapes.measured(f"{place}.{key}", value) * factor
        for place, record in records
        if (value := record.get(key)) is not None
    }


def _allotted(rows: list[ServerRow], field: str) -> dict[str, float]:
    """What flavors say; what they say wrongly sets the server aside elsewhere."""
    return {
        row.id: value
        for row in rows
        if isinstance(value := getattr(row, field), int | float) and not isinstance(value, bool)
    }
