"""Availability zones."""

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.rules.rule import StaticRule
from domain.cluster.table.columns import BoolArray, IntArray, frozen
from domain.kernel.reasons import Cause, Reason

OTHER_ZONE = Reason("other-zone", "{host} is in zone {zone}, but the server is bound to {bound}")


class AvailabilityZone(StaticRule):
    """A server stays in the zone it is pinned to; others stay in their current zone if configured.

    Nova allows an unpinned server to change zones, but its volumes and ports, and what its owner
    expects, often do not: therefore it stays by default.
    """

    keys: IntArray | None

    def __init__(self, model: ComputeModel, *, keep_zone: bool = True) -> None:
        self._model = model
        servers, hosts = model.servers, model.hosts
        names = {zone: place for place, zone in enumerate(hosts.zone.table)}
        free, unknown = -1, len(names)
        pinned = np.array(
            [free if z is None else names.get(z, unknown) for z in servers.pinned_zone.table],
            dtype=np.int64,
        )
        bound = pinned[servers.pinned_zone.codes]
        if keep_zone and len(hosts):
            bound = np.where(bound == free, hosts.zone.codes[servers.host], bound)
        self.keys = frozen(bound)

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts]: in the zone of the server."""
        bound = self._bound(server)
        return None if bound < 0 else self._model.hosts.zone.codes == bound

    def why(self, server: int, host: int) -> Cause:
        """The host is in another zone."""
        hosts, servers = self._model.hosts, self._model.servers
        bound = servers.pinned_zone[server] or hosts.zone[int(servers.host[server])]
        facts: dict[str, object] = {
            "host": hosts.name[host],
            "zone": hosts.zone[host],
            "bound": bound,
        }
        return Cause(OTHER_ZONE, facts)

    def _bound(self, server: int) -> int:
        return -1 if self.keys is None else int(self.keys[server])
