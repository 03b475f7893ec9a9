"""A kept model for people and programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from application.queries.cluster_models import ModelStatus, Shown
from application.replay.travel import plain
from domain.cluster.compute import ComputeModel
from interfaces.cli.wording import age

_COLUMNS = ("vcpus", "memory_mb", "disk_gb")


def as_json(statuses: Sequence[ModelStatus], shown: Shown) -> dict[str, Any]:
    """Everything but the servers, which `vigil cluster export` writes."""
    return {
        "models": [plain(status) for status in statuses],
        "shown": {"digest": shown.digest, "position": shown.position, "age": shown.age},
        "hosts": host_rows(shown.model),
    }


def host_rows(model: ComputeModel) -> list[dict[str, Any]]:
    """A host per row: what it is, how many servers it holds, allocated and allocatable amounts."""
    hosts = model.hosts
    rows = []
    for host, name in enumerate(hosts.name):
        row: dict[str, Any] = {
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
                "capacity": None if room == float("inf") else room,
            }
        rows.append(row)
    return rows


def lines(statuses: Sequence[ModelStatus], shown: Shown) -> Iterator[str]:
    """For people."""
    for status in statuses:
        yield from status_lines(status)
    if shown.age is None:
        yield f"shown: the model of position {shown.position} ({shown.digest[:12]})"
    yield (
        f"{'host':<24} {'state':<6} {'status':<9} {'zone':<12} {'servers':>7} "
        f"{'vcpus':>13} {'memory MB':>19} {'disk GB':>15}"
    )
    for row in host_rows(shown.model):
        amounts = [_amount(row[column]) for column in _COLUMNS]
        yield (
            f"{row['name']:<24} {row['state']:<6} {row['status']:<9} {row['zone']:<12} "
            f"{row['servers']:>7} {amounts[0]:>13} {amounts[1]:>19} {amounts[2]:>15}"
        )
    if len(shown.model.unplaced):
        yield f"{len(shown.model.unplaced)} servers are on no host"


def status_lines(status: ModelStatus) -> Iterator[str]:
    """How a kept model stands; also lines of `vigil status`."""
    fresh = "never collected" if status.age is None else f"confirmed {age(status.age)} ago"
    stale = ", STALE" if status.stale else ""
    yield (
        f"model {status.kind} of {status.cloud}: {status.hosts} hosts, {status.servers} servers, "
        f"{fresh}{stale}"
    )
    if status.failure is not None and status.failing_since is not None:
        since = status.failing_since.isoformat(timespec="seconds")
        yield f"  failing since {since}: {status.failure}"
    if status.problem_count:
        yield f"  {status.problem_count} records could not be used, such as: {status.problems[0]}"


def _amount(pair: dict[str, float | None]) -> str:
    room = pair["capacity"]
    return f"{pair['allocated']:.0f} of {'shared' if room is None else format(room, '.0f')}"
