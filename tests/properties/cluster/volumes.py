"""The rules for volumes in plain Python, read again from docs/constraints.md."""

import math
from typing import Any

from domain.optimization.context import StrategyContext


def why_volume_stays(
    found: StrategyContext[Any], volume: str, pool: str, before_gb: float, kind: object = None
) -> set[str]:
    """Names of the rules that forbid a volume a pool; empty if it may go there.

    Args:
        found: with both models.
        volume: id of the volume.
        pool: name of the pool.
        before_gb: what is moved there before, GB.
        kind: the type that it gets; None: it keeps its own.
    """
    model: Any = found.storage
    place, target = model.volume_places[volume], model.pool_places[pool]
    rows, source = model.volumes, int(model.volumes.pool[place])
    node = int(model.pools.node[target])
    zones = {rows.zone[place], model.nodes.zone[node]} - {""}
    name = kind or rows.volume_type[place]
    wanted = {one.name: one.backend_name for one in model.types}.get(name)
    free = float(model.pools.virtual_free_gb[target])
    states = [
        found.compute.servers.state[found.compute.server_places[server]]
        for server in rows.servers[place]
        if server in found.compute.server_places
    ]
    facts = {
        "status": rows.status[place] not in ("available", "in-use"),
        "migrating": rows.migration_status[place] not in ("", "none", "success"),
        "snapshots": rows.snapshots[place] > 0,
        "attached twice": len(rows.servers[place]) > 1,
        "server": any(state not in ("active", "paused") for state in states),
        "source down": model.nodes.state[int(model.pools.node[source])] != "up",
        "own": source == target,
        "down": model.nodes.state[node] != "up",
        "disabled": model.nodes.status[node] != "enabled",
        "zone": len(zones) > 1,
        "type": bool(wanted) and model.pools.backend_name[target] != wanted,
        "full": math.isnan(free) or free - before_gb < rows.size_gb[place],
    }
    return {rule for rule, broken in facts.items() if broken}
