"""Placement's allocations: what each consumer holds on which host."""

from collections.abc import Iterable

from infrastructure.simulator.core.model import Host, Resources

_NOTHING: Resources = (0, 0, 0)


class PlacementLedger:
    """Allocations by consumer (a server, or a migration for the side it is leaving)."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._by_consumer: dict[str, tuple[str, Resources]] = {}
        self._on_host: dict[str, dict[str, Resources]] = {h.name: {} for h in hosts}
        self._used: dict[str, Resources] = {h.name: _NOTHING for h in hosts}

    def put(self, consumer: str, host: str, resources: Resources) -> None:
        """Set a consumer's allocation, replacing an earlier one."""
        self.drop(consumer)
        self._by_consumer[consumer] = (host, resources)
        self._on_host[host][consumer] = resources
        self._used[host] = _add(self._used[host], resources, 1)

    def drop(self, consumer: str) -> None:
        """Remove a consumer's allocation, if it has one."""
        held = self._by_consumer.pop(consumer, None)
        if held is not None:
            host, resources = held
            del self._on_host[host][consumer]
            self._used[host] = _add(self._used[host], resources, -1)

    def of(self, consumer: str) -> tuple[str, Resources] | None:
        """The host and amounts a consumer holds."""
        return self._by_consumer.get(consumer)

    def on(self, host: str) -> dict[str, Resources]:
        """Every consumer on a host."""
        return self._on_host[host]

    def used(self, host: str) -> Resources:
        """The sum on a host."""
        return self._used[host]

    def fits(self, host: Host, resources: Resources) -> bool:
        """Whether a host has room, by its inventory's reserves and ratios."""
        return all(
            u + r <= c
            for u, r, c in zip(self._used[host.name], resources, host.capacity, strict=True)
        )


def _add(left: Resources, right: Resources, sign: int) -> Resources:
    return (left[0] + sign * right[0], left[1] + sign * right[1], left[2] + sign * right[2])
