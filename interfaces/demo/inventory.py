"""The hosts and servers of the collected compute model."""

from collections.abc import Iterable
from typing import Any

from interfaces.terminal.plan_explanation import Document


class Inventory:
    """The hosts and servers.

    Args:
        rows: of the data model, as the API returns it: one per server, one per host without any.

    Attributes:
        hosts: sorted by name, with what is allocated of them.
        memory: id of a server → its memory in MiB.
    """

    def __init__(self, rows: Iterable[Document]) -> None:
        self.memory: dict[str, float] = {}
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            host = found.setdefault(row["node_hostname"], _host(row))
            if row.get("server_uuid"):
                self.memory[row["server_uuid"]] = float(row["server_memory"])
                host["servers"] += 1
                host["memory_mb"]["used"] += row["server_memory"]
        self.hosts: list[dict[str, Any]] = [found[name] for name in sorted(found)]


def _host(row: Document) -> dict[str, Any]:
    memory = (row["node_memory"] - row["node_memory_mb_reserved"]) * row["node_memory_ratio"]
    return {
        "name": row["node_hostname"],
        "status": row["node_status"],
        "state": row["node_state"],
        "servers": 0,
        "vcpus": {"total": row["node_vcpus"]},
        "memory_mb": {"total": memory, "used": 0},
    }
