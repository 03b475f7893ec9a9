"""The parameters of zone_migration: which hosts and pools are left, and where to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.kernel.aggregate import JsonObject

_NAME: Final[JsonObject] = {"type": "string"}
_NAMES: Final[JsonObject] = {"type": "array", "items": _NAME}


@dataclass(frozen=True)
class ComputeEntry:
    """A host of the zone, and the host for its servers (empty: any outside the zone)."""

    src_node: str
    dst_node: str = ""


@dataclass(frozen=True)
class PoolEntry:
    """A pool of the zone: which of its volumes (empty: all), and their new pool or type."""

    src_pool: str = ""
    dst_pool: str = ""
    src_type: str = ""
    dst_type: str = ""


@dataclass(frozen=True)
class ZoneParameters:
    """The parameters of an audit.

    Attributes:
        compute_nodes, storage_pools: the zone.
        parallel_total, parallel_per_node, parallel_per_pool: the most migrations of a plan.
        priority: what goes first; of its keys the first one counts most.
        with_attached_volume: servers of the zone go right after the volumes attached to them.
    """

    compute_nodes: tuple[ComputeEntry, ...] = ()
    storage_pools: tuple[PoolEntry, ...] = ()
    parallel_total: int = 6
    parallel_per_node: int = 2
    parallel_per_pool: int = 2
    priority: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    with_attached_volume: bool = False

    def hosts(self) -> tuple[str, ...]:
        """Names of the zone's hosts, each once."""
        return tuple(dict.fromkeys(entry.src_node for entry in self.compute_nodes))

    def pools(self) -> tuple[str, ...]:
        """Names of the zone's pools, each once."""
        return tuple(dict.fromkeys(entry.src_pool for entry in self.storage_pools))

    def destination_of(self, host: str) -> str:
        """Name of the host for a host's servers; empty: any outside the zone."""
        entries = (entry.dst_node for entry in self.compute_nodes if entry.src_node == host)
        return next(entries, "")

    def entry_of(self, pool: str, volume_type: str) -> PoolEntry | None:
        """The entry of a volume: one with its type, else one for all types; None if none."""
        for wanted in dict.fromkeys((volume_type, "")):
            for entry in self.storage_pools:
                if (entry.src_pool, entry.src_type) == (pool, wanted):
                    return entry
        return None


def _limit(of: str, default: int) -> JsonObject:
    text = f"Maximum number of migrations in a plan {of}."
    return {"description": text, "type": "integer", "minimum": 0, "default": default}


def _text(description: str, **rules: object) -> JsonObject:
    return {"description": description, **_NAME, **rules}


def _list(description: str) -> JsonObject:
    return {"description": description, **_NAMES}


SCHEMA: Final[JsonObject] = {
    "properties": {
        "compute_nodes": {
            "description": "Hosts that all servers are to leave.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "src_node": _text("Name of the compute host."),
                    "dst_node": _text(
                        "Name of the host for its servers. Without it, each goes to the host "
                        "outside the zone that is least full."
                    ),
                },
                "required": ["src_node"],
                "additionalProperties": False,
            },
        },
        "storage_pools": {
            "description": "Pools that all volumes, or those of a type, are to leave.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "src_pool": _text("Name of the pool (host@backend#pool)."),
                    "dst_pool": _text("Name of the pool for its volumes."),
                    "src_type": _text("Only volumes of this type. Without it, all of them."),
                    "dst_type": _text(
                        "Type that its volumes get; Cinder moves them to a pool of that type."
                    ),
                },
                "oneOf": [
                    {"required": ["src_pool", "dst_pool"], "not": {"required": ["dst_type"]}},
                    {"required": ["src_pool", "dst_type"], "not": {"required": ["dst_pool"]}},
                ],
                "additionalProperties": False,
            },
        },
        "parallel_total": _limit("in total", 6),
        "parallel_per_node": _limit("of servers of one source host", 2),
        "parallel_per_pool": _limit("of volumes of one source pool", 2),
        "priority": {
            "description": "What is migrated first. The first key has the highest precedence.",
            "type": "object",
            "properties": {
                "project": _list("Ids of projects, most important first."),
                "compute_node": _list("Names of source hosts, most important first."),
                "storage_pool": _list("Names of source pools, most important first."),
                "compute": {
                    "description": "Figure of servers: the largest, or the oldest, go first.",
                    "enum": ["vcpu_num", "mem_size", "disk_size", "created_at"],
                },
                "storage": {
                    "description": "Figure of volumes: the largest, or the oldest, go first.",
                    "enum": ["size", "created_at"],
                },
            },
            "additionalProperties": False,
        },
        "with_attached_volume": {
            "description": "Migrate servers right after the volumes attached to them.",
            "type": "boolean",
            "default": False,
        },
    },
    "additionalProperties": False,
}
