"""A neutral JSON form of a cluster, for benchmarks and offline runs: no cloud needed.

``{"hosts": […], "instances": […], "groups": […], "aggregates": […]}``. A host has ``id``, ``name``,
``vcpus``, ``ram_mb``, ``disk_gb``, ratios, reservations, ``state``, ``status`` and, measured,
``cpu_util_pct`` (%) and ``ram_used_mb``. An instance has ``id``, ``name``, ``host`` (the host's id
or name), flavor figures, ``state`` and the same two measured figures. Every other field of the row
records may be given under its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from domain.cluster.allocations import read_allocations
from domain.cluster.columns import mapping, sequence
from domain.cluster.numa_cells import read_topology
from domain.cluster.rows import AggregateRow, GroupRow, HostRow, ServerRow
from domain.kernel.errors import InvalidValue

Row = TypeVar("Row")
Values = dict[str, dict[str, float]]
_KIB_PER_MB = 1024.0
_HOST_NAMES = {"ram_mb": "memory_mb", "ram_reserved_mb": "memory_reserved_mb"}
_SERVER_NAMES = {"ram_mb": "memory_mb", "project": "project_id"}


@dataclass(frozen=True)
class NeutralCluster:
    """What the neutral form holds.

    Attributes:
        hosts: host rows.
        servers: server rows.
        groups: server groups.
        aggregates: host aggregates.
        metrics: metric name → id → value, in the units of domain.optimization.metrics.
    """

    hosts: tuple[HostRow, ...]
    servers: tuple[ServerRow, ...]
    groups: tuple[GroupRow, ...]
    aggregates: tuple[AggregateRow, ...]
    metrics: Values


def read_neutral(data: Mapping[str, object]) -> NeutralCluster:
    """Reads the neutral form.

    Raises:
        InvalidValue: names the list and the place in it that is not as it should be.
    """
    hosts = [_structured(place, host) for place, host in enumerate(_records(data, "hosts"))]
    servers = _records(data, "instances")
    names = {str(host.get("id")): str(host.get("name")) for host in hosts}
    placed: list[Mapping[str, object]] = [
        {**s, "host": names.get(str(s.get("host")), s.get("host"))} for s in servers
    ]
    return NeutralCluster(
        hosts=tuple(_rows("hosts", HostRow, hosts, _HOST_NAMES)),
        servers=tuple(_rows("instances", ServerRow, placed, _SERVER_NAMES)),
        groups=tuple(_rows("groups", GroupRow, _records(data, "groups"), {})),
        aggregates=tuple(_rows("aggregates", AggregateRow, _records(data, "aggregates"), {})),
        metrics={
            "host_cpu_usage": _measured(hosts, "cpu_util_pct"),
            "host_ram_usage": _measured(hosts, "ram_used_mb", _KIB_PER_MB),
            "instance_cpu_usage": _measured(servers, "cpu_util_pct"),
            "instance_ram_usage": _measured(servers, "ram_used_mb"),
            "instance_ram_allocated": _measured(servers, "ram_mb"),
            "instance_root_disk_size": _measured(servers, "disk_gb"),
        },
    )


def _records(data: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    try:
        return [mapping(record) for record in sequence(data.get(name, []))]
    except TypeError as error:
        raise InvalidValue(name, f"must be a list of objects ({error})") from error


def _structured(place: int, host: Mapping[str, object]) -> Mapping[str, object]:
    """A host with the fields read that are more than a value or a list of values."""
    read = {"numa": read_topology, "other_allocations": read_allocations}
    at = f"hosts[{place}]"
    return {
        name: read[name](f"{at}.{name}", value) if name in read else value
        for name, value in host.items()
    }


def _rows(
    name: str,
    kind: type[Row],
    records: list[Mapping[str, object]],
    renamed: Mapping[str, str],
) -> list[Row]:
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    rows: list[Row] = []
    for place, record in enumerate(records):
        values: dict[str, Any] = {renamed.get(key, key): _value(v) for key, v in record.items()}
        try:
            rows.append(kind(**{key: v for key, v in values.items() if key in known}))
        except TypeError as error:
            raise InvalidValue(f"{name}[{place}]", f"lacks a field ({error})") from error
    return rows


def _value(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _measured(
    records: list[Mapping[str, object]], key: str, factor: float = 1.0
) -> dict[str, float]:
    return {
        str(record["id"]): value * factor
        for record in records
        if isinstance(value := record.get(key), (int, float))
    }
