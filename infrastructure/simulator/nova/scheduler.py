"""Which hosts may take a server: Nova's filters, and a spreading weigher."""

from collections.abc import Callable

from infrastructure.simulator.core.model import Flavor, Host, Server, ServerGroup
from infrastructure.simulator.core.world import World

NO_VALID_HOST = "No valid host was found. There are not enough hosts available."

Filter = Callable[[World, Server, Flavor, Host], bool]


def _enabled(_world: World, _server: Server, _flavor: Flavor, host: Host) -> bool:
    return host.up and host.status == "enabled"


def _zone(_world: World, server: Server, _flavor: Flavor, host: Host) -> bool:
    return server.pinned_zone is None or server.pinned_zone == host.zone


def _capacity(world: World, _server: Server, flavor: Flavor, host: Host) -> bool:
    return (
        world.ledger.fits(host, flavor.resources)
        and flavor.vcpus <= host.vcpus
        and flavor.ram_mb <= host.ram_mb
    )


def _group(world: World, server: Server, _flavor: Flavor, host: Host) -> bool:
    group = world.group_of.get(server.id)
    if group is None:
        return True
    if group.policy == "anti-affinity":
        here = sum(host.name in places for places in _others(world, server, group))
        return here < group.rules.get("max_server_per_host", 1)
    if group.policy == "affinity":
        others = _others(world, server, group)
        return not others or any(host.name in places for places in others)
    return True


def _others(world: World, server: Server, group: ServerGroup) -> list[set[str]]:
    """Where each other member is, or is going."""
    found = []
    for member in group.members:
        other = world.servers.get(member)
        if other is not None and member != server.id and not other.deleted:
            booked = world.ledger.of(member)
            found.append({other.host} | ({booked[0]} if booked else set()))
    return found


FILTERS: dict[str, Filter] = {
    "ComputeFilter": _enabled,
    "AvailabilityZoneFilter": _zone,
    "Placement": _capacity,
    "ServerGroupFilter": _group,
}


def why_not(world: World, server: Server, flavor: Flavor, host: Host) -> str | None:
    """The name of the first filter that refuses a host; None when all accept it."""
    for name, accepts in FILTERS.items():
        if not accepts(world, server, flavor, host):
            return name
    return None


def choose(
    world: World, server: Server, flavor: Flavor, requested: str | None = None
) -> Host | None:
    """The host that a migrating server goes to; never the one it is on.

    A requested host is checked by the same filters and is the only candidate.
    """
    candidates = [world.hosts[requested]] if requested else list(world.hosts.values())
    fitting = [
        h for h in candidates if h.name != server.host and not why_not(world, server, flavor, h)
    ]
    return max(fitting, key=lambda h: _weight(world, server, h), default=None)


def _weight(world: World, server: Server, host: Host) -> tuple[float, float, str]:
    """Soft group policies first, then free memory; the name makes it deterministic."""
    free = host.capacity[1] - world.ledger.used(host.name)[1]
    group = world.group_of.get(server.id)
    soft = 0.0
    if group is not None and group.policy.startswith("soft-"):
        here = sum(host.name in places for places in _others(world, server, group))
        soft = float(here if group.policy == "soft-affinity" else -here)
    return (soft, free, host.name)
