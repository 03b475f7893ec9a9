"""A portable JSON form of a cluster, for benchmarks and offline runs without a cloud.

``{"hosts": […], "instances": […], "groups": […], "aggregates": […]}``. A host has ``id``, ``name``,
``vcpus``, ``ram_mb``, ``disk_gb``, ratios, reservations, ``state``, ``status`` and, measured,
``cpu_util_pct`` (%) and ``ram_used_mb``. An instance has ``id``, ``name``, ``host`` (the host's id
or name), flavor figures, ``state`` and the same two measured figures. Every other field of the
records can be given under its own name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from domain.cluster.formats.portable_fields import READERS, Reader, identity, measured, word
from domain.cluster.table.columns import mapping, sequence
from domain.cluster.table.records import field_types, required_fields
from domain.kernel.errors import InvalidValue

Row = TypeVar("Row")
Values = dict[str, dict[str, float]]
Record = tuple[str, Mapping[str, object]]
"""Name of a record in errors, such as ``hosts[3]``, and the record."""
_KIB_PER_MB = 1024.0
PORTABLE_NAMES: Mapping[str, str] = {
    "memory_mb": "ram_mb",
    "memory_reserved_mb": "ram_reserved_mb",
    "project_id": "project",
}
"""Field → its name in this form, if it has another one here."""
_WORDS: Mapping[type[Any], Mapping[str, Reader]] = {
    HostRow: {"state": word("up", "down"), "status": word("enabled", "disabled")},
    ServerRow: {
        "state": word(
            *("active", "building", "paused", "suspended", "stopped", "rescued", "resized"),
            *("soft-delete", "deleted", "error", "shelved", "shelved_offloaded"),
            shutoff="stopped",
        ),
        "status": word(
            *("", "ACTIVE", "BUILD", "DELETED", "ERROR", "HARD_REBOOT", "MIGRATING", "PASSWORD"),
            *("PAUSED", "REBOOT", "REBUILD", "RESCUE", "RESIZE", "REVERT_RESIZE", "SHELVED"),
            *("SHELVED_OFFLOADED", "SHUTOFF", "SOFT_DELETED", "SUSPENDED", "UNKNOWN"),
            "VERIFY_RESIZE",
        ),
    },
    GroupRow: {
        "policy": word("", "affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
    },
}
"""Record → field → reader of a word of a closed list; rules and movability compare such words."""
_FIELDS = {name: field for field, name in PORTABLE_NAMES.items()}


@dataclass(frozen=True)
class PortableCluster:
    """The contents of the portable form.

    Attributes:
        hosts: host rows.
        servers: server rows.
        groups: server groups.
        aggregates: host aggregates.
        metrics: metric name → id → value, in the units of domain.metrics.catalogue.
        nodes: bare-metal nodes; None without a list of them.
    """

    hosts: tuple[HostRow, ...]
    servers: tuple[ServerRow, ...]
    groups: tuple[GroupRow, ...]
    aggregates: tuple[AggregateRow, ...]
    metrics: Values
    nodes: tuple[BaremetalNodeRow, ...] | None = None


def read_portable(data: Mapping[str, object]) -> PortableCluster:
    """Reads the portable form.

    Raises:
        InvalidValue: names the list and the index of the bad record.
    """
    hosts = placed(data, "hosts")
    servers = [*placed(data, "instances"), *placed(data, "unplaced")]
    host_rows = rows_of(HostRow, hosts)
    names = {row.id: row.name for row in host_rows}

    def host(place: str, value: object) -> str:
        found = identity(place, value)
        return names.get(found, found)

    server_rows = rows_of(ServerRow, servers, {"host": host})
    return PortableCluster(
        hosts=tuple(host_rows),
        servers=tuple(server_rows),
        groups=tuple(rows_of(GroupRow, placed(data, "groups"))),
        aggregates=tuple(rows_of(AggregateRow, placed(data, "aggregates"))),
        metrics={
            "host_cpu_usage": _measured(host_rows, hosts, "cpu_util_pct"),
            "host_ram_usage": _measured(host_rows, hosts, "ram_used_mb", _KIB_PER_MB),
            "instance_cpu_usage": _measured(server_rows, servers, "cpu_util_pct"),
            "instance_ram_usage": _measured(server_rows, servers, "ram_used_mb"),
            "instance_ram_allocated": _allotted(server_rows, "memory_mb"),
            "instance_root_disk_size": _allotted(server_rows, "disk_gb"),
        },
        nodes=_nodes(placed(data, "nodes")) if "nodes" in data else None,
    )


def _nodes(records: list[Record]) -> tuple[BaremetalNodeRow, ...]:
    return tuple(
        rows_of(
            BaremetalNodeRow, [(place, {"maintenance": False, **one}) for place, one in records]
        )
    )


def placed(data: Mapping[str, object], name: str) -> list[Record]:
    """The records of a list, each with its name for errors."""
    try:
        records = [mapping(record) for record in sequence(data.get(name, []))]
    except TypeError as error:
        raise InvalidValue(name, f"must be a list of objects ({error})") from error
    return [(f"{name}[{place}]", record) for place, record in enumerate(records)]


def rows_of(
    kind: type[Row], records: list[Record], others: Mapping[str, Reader] | None = None
) -> list[Row]:
    """Reads records of a kind, field by field.

    Args:
        kind: the dataclass of the rows.
        records: see ``placed``.
        others: field → what reads it, if not the reader of its type.
    """
    readers = _readers(kind, others or {})
    rows: list[Row] = []
    for place, record in records:
        values: dict[str, Any] = {}
        for key, value in record.items():
            if (reading := readers.get(key)) is None:
                continue
            field, reader, is_required = reading
            if reader is None:
                values[field] = value
            elif value is not None or is_required:
                try:
                    values[field] = reader("", value)
                except InvalidValue as error:
                    raise InvalidValue(f"{place}.{key}{error.field}", error.rule) from error
        try:
            rows.append(kind(**values))
        except TypeError as error:
            raise InvalidValue(place, f"lacks a field ({error})") from error
    return rows


def _readers(
    kind: type[Any], others: Mapping[str, Reader]
) -> dict[str, tuple[str, Reader | None, bool]]:
    """Name in a record → field, its reader, whether the field must have a value."""
    types, required = field_types(kind), required_fields(kind)
    by_type = {name: READERS[found] for name, found in types.items()}
    readers = {**by_type, **_WORDS.get(kind, {}), **others}
    names = {name: name for name in readers} | _FIELDS
    return {
        name: (field, readers[field], field in required)
        for name, field in names.items()
        if field in readers
    }


def _measured(
    rows: Sequence[HostRow | ServerRow], records: list[Record], key: str, factor: float = 1.0
) -> dict[str, float]:
    found: dict[str, float] = {}
    for row, (place, record) in zip(rows, records, strict=True):
        if (value := record.get(key)) is not None:
            try:
                found[row.id] = measured("", value) * factor
            except InvalidValue as error:
                raise InvalidValue(f"{place}.{key}", error.rule) from error
    return found


def _allotted(rows: list[ServerRow], field: str) -> dict[str, float]:
    """Amounts of flavors. Bad ones are left out: validation quarantines their servers."""
    return {row.id: value for row in rows if type(value := getattr(row, field)) in (int, float)}
