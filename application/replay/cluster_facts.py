"""What is known of a cloud at a moment, as values that an expression can name."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from math import inf
from typing import Any

from application.replay.values import ABSENT, Path, value_at
from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.compute.model import ComputeModel

ROOTS = ("host", "server", "cluster")
_OF_HOST = ("id", "name", "hypervisor_hostname", "state", "status", "disabled_reason", "zone")
_NOT_OF_SERVER = frozenset({"host", "excluded"})


class ClusterFacts:
    """The facts of a compute model.

    * ``host["NAME"]``: ``state``, ``status``, ``zone``, … and ``servers`` (names); for each
      resource (``vcpus``, ``memory_mb``, ``disk_gb``, ``pcpus``, devices) ``capacity``,
      ``allocated`` and ``percent``; ``allocated_percent``: the highest ``percent``.
    * ``server["NAME"]``: ``host`` (name; null if it is on none), ``state``, ``vcpus``, ….
    * ``cluster``: ``hosts``, ``hosts_in_use``, ``hosts_enabled``, ``servers``, ``unplaced``.

    Hosts and servers are named by name or id.
    """

    def __init__(self, model: ComputeModel) -> None:
        self._model = model

    def value(self, path: Path) -> Any:
        """The JSON value at a path that begins with one of ROOTS; ``ABSENT`` if there is none."""
        root, *rest = path
        if root == "cluster":
            return value_at(self.cluster, rest)
        if not rest:
            return ABSENT
        key, *inner = rest
        found = self.host(str(key)) if root == "host" else self.server(str(key))
        return ABSENT if found is None else value_at(found, inner)

    @cached_property
    def cluster(self) -> Mapping[str, Any]:
        """Counts of hosts and servers."""
        model = self._model
        return {
            "hosts": len(model.hosts),
            "hosts_in_use": int((model.servers_per_host > 0).sum()),
            "hosts_enabled": int(model.enabled.sum()),
            "servers": len(model.servers),
            "unplaced": len(model.unplaced),
        }

    def host(self, key: str) -> Mapping[str, Any] | None:
        """The facts of a host, None if there is no such host."""
        place = self._model.host_places.get(key)
        if place is None:
            return None
        hosts, servers = self._model.hosts, self._model.servers
        resources = self.resources(place)
        shares = [one["percent"] for one in resources.values() if one["percent"] is not None]
        return {
            **_row(hosts, place, _OF_HOST),
            "servers": [servers.name[at] for at in (servers.host == place).nonzero()[0]],
            **resources,
            "allocated_percent": max(shares, default=0.0),
        }

    def resources(self, place: int) -> dict[str, dict[str, float | None]]:
        """Resource → capacity (null: unlimited), allocated (as Placement counts it), percent."""
        model = self._model
        amounts = model.allocated[:, place] + model.foreign_allocated[:, place]
        return {
            name: _share(float(capacity), float(amount))
            for name, capacity, amount in zip(
                model.resources, model.capacity[:, place], amounts, strict=True
            )
        }

    def server(self, key: str) -> Mapping[str, Any] | None:
        """The facts of a server, None if there is no such server; of equal names the first."""
        for table in (self._model.servers, self._model.unplaced):
            names = table.id if key in table.id else table.name
            if key in names:
                place = names.index(key)
                at = int(table.host[place])
                host = None if at < 0 else self._model.hosts.name[at]
                names_of = [name for name, _ in table.columns() if name not in _NOT_OF_SERVER]
                return {**_row(table, place, names_of), "host": host}
        return None


def _row(table: HostColumns | ServerColumns, place: int, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(table, name)[place] for name in names}
    return {name: getattr(value, "item", lambda v=value: v)() for name, value in values.items()}


def _share(capacity: float, allocated: float) -> dict[str, float | None]:
    if capacity == inf:
        return {"capacity": None, "allocated": allocated, "percent": None}
    percent = 100.0 * allocated / capacity if capacity else 0.0 if not allocated else None
    return {
        "capacity": capacity,
        "allocated": allocated,
        "percent": None if percent is None else round(percent, 2),
    }
