"""A plan with fixed values: two hosts are emptied, of which one was closed by an operator."""

from collections.abc import Sequence
from typing import Any

Document = dict[str, Any]

GIB = 1024
HOSTS: list[Document] = [
    {
        "name": f"compute-{number:02d}",
        "status": "disabled" if number == 4 else "enabled",
        "state": "up",
        "servers": servers,
        "vcpus": {"total": 32},
        "memory_mb": {"total": 128 * GIB, "used": servers * 4 * GIB},
    }
    for number, servers in enumerate((20, 9, 3, 2, 0), start=1)
]


def cause(reason: str, text: str, **facts: object) -> Document:
    return {"reason": reason, "facts": facts, "text": text}


def move(number: int, source: str, destination: str) -> Document:
    server = f"vm-{number:03d}"
    return {
        "action_uuid": f"move-{number}",
        "action_type": "migrate",
        "resource_id": server,
        "input_parameters": {
            "resource_name": server,
            "source_node": source,
            "destination_node": destination,
        },
        "because": cause(
            "empties-host",
            f"moving {server} helps to empty {source} (servers: 3); {destination} goes from 50.0 "
            "to 53.1 % of memory_mb",
            source=source,
            destination=destination,
            server=server,
            refused=[{"host": "compute-05", "reason": "other-zone"}],
        ),
    }


def disable(host: str) -> Document:
    return {
        "action_uuid": f"disable-{host}",
        "action_type": "change_nova_service_state",
        "resource_id": host,
        "input_parameters": {"resource_name": host, "state": "disabled"},
        "because": cause("host-emptied", f"{host} has no servers after the plan", host=host),
    }


MOVES: Sequence[Document] = [
    move(1, "compute-03", "compute-01"),
    move(2, "compute-03", "compute-01"),
    move(3, "compute-03", "compute-02"),
    disable("compute-03"),
    move(4, "compute-04", "compute-02"),
    move(5, "compute-04", "compute-02"),
]
EXPLANATION: Document = {
    "moves": MOVES,
    "rejections": [
        {
            "subject": f"host compute-0{number}",
            "because": cause(
                "stays-in-use",
                f"compute-0{number} cannot be emptied: of its servers 1 could not be moved, "
                "because it is locked",
            ),
        }
        for number in (1, 2, 5, 6)
    ],
    "rejection_count": 9,
    "notes": [
        cause("metric-unknown", "instance_cpu_usage of 2 of 34 servers is unknown"),
        cause("metric-unknown", "instance_ram_usage of 2 of 34 servers is unknown"),
    ],
}
VOLUMES: Document = {
    "moves": [
        {
            "action_uuid": f"volume-{number}",
            "action_type": "volume_migrate",
            "resource_id": f"volume-{number}",
            "input_parameters": {"resource_name": f"data-{number}"},
            "because": cause(
                "relieves-pool",
                f"moving data-{number} (50 GB) takes stor@hdd#full from 90.0 to 85.0 % and "
                "stor@hdd#empty from 20.0 to 25.0 % used",
                source="stor@hdd#full",
                destination="stor@hdd#empty",
                size=50,
            ),
        }
        for number in (1, 2)
    ],
    "rejections": [],
    "rejection_count": 0,
    "notes": [],
}
MEMORY = {f"vm-{number:03d}": 4.0 * GIB for number in range(1, 6)}
PLAN: Document = {
    "uuid": "6f335664-b06a-50cd-bfcc-72a12ba46f78",
    "state": "ONGOING",
    "total": 6,
    "ended": 3,
    "ongoing": 2,
    "failed": 1,
    "cancelled": 0,
    "skipped": 0,
    "running": [
        {
            "target": "vm-004: compute-04 -> compute-02",
            "percent": 40.0,
            "copied": 1_700_000_000,
            "size": 4_300_000_000,
            "rate": 850_000_000.0,
        },
        {"target": "compute-03: disabled", "percent": None, "copied": None, "size": None},
    ],
    "rest": {"seconds": 9.4},
}
