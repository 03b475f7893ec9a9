"""The output of `vigil cluster show` and `vigil cluster list`, for each kind of model."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.cluster_models.kinds import BAREMETAL, COMPUTE, STORAGE, CollectedKind
from application.cluster_models.query import ModelStatus
from application.cluster_models.record import CollectedModel
from application.kernel.json_values import json_value
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats import baremetal as baremetal_forms
from domain.cluster.formats import listing, storage_listing, storage_xml, xml
from domain.cluster.storage.model import StorageModel
from interfaces.terminal.wording import age, sizes

Row = dict[str, Any]
_COLUMNS = ("vcpus", "memory_mb", "disk_gb")


@dataclass(frozen=True)
class ModelFormat:
    """The output formats of one kind of model.

    Attributes:
        key: JSON key of the summary: ``hosts``, ``pools``, ``machines``.
        summary: a row per host, pool or machine, for JSON.
        table: the summary as lines of text.
        rows: a row per element of the model, including servers and volumes.
        xml: the XML format.
    """

    kind: CollectedKind[Any]
    key: str
    summary: Callable[[Any], list[Row]]
    table: Callable[[Any], Iterator[str]]
    rows: Callable[[Any], list[Row]]
    xml: Callable[[Any], str]


def host_rows(model: ComputeModel) -> list[Row]:
    """A row per host: its state, number of servers, capacities and allocations.

    ``others`` are allocations that belong to none of its servers.
    """
    hosts = model.hosts
    rows = []
    for host, name in enumerate(hosts.name):
        row: Row = {
            "id": hosts.id[host],
            "name": name,
            "state": hosts.state[host],
            "status": hosts.status[host],
            "zone": hosts.zone[host],
            "servers": int(model.servers_per_host[host]),
        }
        for place, column in enumerate(_COLUMNS):
            room = float(model.capacity[place, host])
            row[column] = {
                "allocated": float(model.allocated[place, host]),
                "others": float(model.foreign_allocated[place, host]),
                "capacity": None if room == float("inf") else room,
            }
        rows.append(row)
    return rows


def _host_table(model: ComputeModel) -> Iterator[str]:
    yield (
        f"{'host':<24} {'state':<6} {'status':<9} {'zone':<12} {'servers':>7} "
        f"{'vcpus':>13} {'memory MB':>19} {'disk GB':>15}"
    )
    for row in host_rows(model):
        amounts = [_amount(row[column]) for column in _COLUMNS]
        yield (
            f"{row['name']:<24} {row['state']:<6} {row['status']:<9} {row['zone']:<12} "
            f"{row['servers']:>7} {amounts[0]:>13} {amounts[1]:>19} {amounts[2]:>15}"
        )
    if len(model.unplaced):
        yield f"{len(model.unplaced)} servers are on no host"


def _amount(pair: Mapping[str, float | None]) -> str:
    room = pair["capacity"]
    others = f"+{pair['others']:.0f}" if pair["others"] else ""
    limit = "shared" if room is None else format(room, ".0f")
    return f"{pair['allocated']:.0f}{others} of {limit}"


def pool_rows(model: StorageModel) -> list[Row]:
    """A row per pool: its backend, number of volumes, capacities in GB.

    An unknown capacity is None, an unlimited one is ``infinite``.
    """
    pools, nodes = model.pools, model.nodes
    return [
        {
            "name": name,
            "backend": nodes.host[node],
            "state": nodes.state[node],
            "status": nodes.status[node],
            "zone": nodes.zone[node],
            "volumes": int(model.volumes_per_pool[pool]),
            "total_gb": _gb(pools.total_gb[pool]),
            "free_gb": _gb(pools.free_gb[pool]),
            "provisioned_gb": _gb(pools.provisioned_gb[pool]),
            "virtual_free_gb": _gb(pools.virtual_free_gb[pool]),
        }
        for pool, name in enumerate(pools.name)
        for node in (int(pools.node[pool]),)
    ]


def _gb(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "infinite" if math.isinf(value) else float(value)


def _pool_table(model: StorageModel) -> Iterator[str]:
    yield (
        f"{'pool':<40} {'state':<6} {'status':<9} {'zone':<12} {'volumes':>7} "
        f"{'total GB':>10} {'free GB':>10} {'provisioned':>11}"
    )
    for row in pool_rows(model):
        total, free, provisioned = (
            _shown(row[column]) for column in ("total_gb", "free_gb", "provisioned_gb")
        )
        yield (
            f"{row['name']:<40} {row['state']:<6} {row['status']:<9} {row['zone']:<12} "
            f"{row['volumes']:>7} {total:>10} {free:>10} {provisioned:>11}"
        )
    if len(model.unplaced):
        yield f"{len(model.unplaced)} volumes are in no pool"


def _shown(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else format(value, ".0f")


def machine_rows(model: BaremetalModel) -> list[Row]:
    """A row per machine: power state, maintenance, and the hypervisor that runs on it."""
    nodes = model.nodes
    return [
        {
            "id": identity,
            "name": nodes.name[node],
            "power_state": nodes.power_state[node],
            "maintenance": bool(nodes.maintenance[node]),
            "provision_state": nodes.provision_state[node],
            "compute_node": nodes.compute_node[node],
        }
        for node, identity in enumerate(nodes.id)
    ]


def _machine_table(model: BaremetalModel) -> Iterator[str]:
    yield f"{'machine':<36} {'name':<20} {'power':<10} {'maintenance':<11} {'state':<10} hypervisor"
    for row in machine_rows(model):
        maintained = "yes" if row["maintenance"] else "no"
        yield (
            f"{row['id']:<36} {row['name']:<20} {row['power_state'] or 'unknown':<10} "
            f"{maintained:<11} {row['provision_state']:<10} {row['compute_node'] or '-'}"
        )


FORMATS: Mapping[str, ModelFormat] = {
    one.kind.name.value: one
    for one in (
        ModelFormat(COMPUTE, "hosts", host_rows, _host_table, listing.to_list, xml.to_xml),
        ModelFormat(
            STORAGE, "pools", pool_rows, _pool_table, storage_listing.to_list, storage_xml.to_xml
        ),
        ModelFormat(
            BAREMETAL,
            "machines",
            machine_rows,
            _machine_table,
            baremetal_forms.to_list,
            baremetal_forms.to_xml,
        ),
    )
}
"""Kind of model → its output formats."""


def show_json(
    statuses: Sequence[ModelStatus], shown: CollectedModel[Any], style: ModelFormat
) -> dict[str, Any]:
    """The statuses of all models and the summary of one, as JSON."""
    return {
        "models": [json_value(status) for status in statuses],
        "shown": {"digest": shown.digest, "position": shown.position, "age": shown.age},
        style.key: style.summary(shown.model),
    }


def show_lines(
    statuses: Sequence[ModelStatus], shown: CollectedModel[Any], style: ModelFormat
) -> Iterator[str]:
    """The statuses of all models and the summary of one, as text."""
    for status in statuses:
        yield from _status_lines(status)
    if shown.age is None:
        yield f"shown: the model at position {shown.position} ({shown.digest[:12]})"
    yield from style.table(shown.model)


def _status_lines(status: ModelStatus) -> Iterator[str]:
    name = f"model {status.kind} of {status.cloud}"
    if status.absent:
        yield f"{name}: absent. {status.failure}"
        return
    fresh = "never collected" if status.age is None else f"confirmed {age(status.age)} ago"
    stale = ", STALE" if status.stale else ""
    yield f"{name}: {', '.join(filter(None, (sizes(status.sizes), fresh)))}{stale}"
    if status.failure is not None and status.failing_since is not None:
        since = status.failing_since.isoformat(timespec="seconds")
        yield f"  failing since {since}: {status.failure}"
    if status.problem_count:
        yield f"  {status.problem_count} records could not be used, such as: {status.problems[0]}"


def list_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line per row: ``key=value`` pairs, without keys that have no value."""
    for row in rows:
        yield " ".join(
            f"{key}={_quoted(value)}"
            for key, value in row.items()
            if value not in (None, "", [], {})
        )


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text) if " " in text else text
