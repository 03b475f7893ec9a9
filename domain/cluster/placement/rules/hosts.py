"""The destination must be up, fully observed, enabled, and another host."""

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import HOST_DOWN
from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, IntArray, frozen
from domain.kernel.reasons import Cause, Reason

HOST_DISABLED = Reason("host-disabled", "{host} is disabled")
HOST_PARTLY_UNKNOWN = Reason(
    "host-partly-unknown",
    "{host} has {count} servers that could not be read",
    count="number",
)
SAME_HOST = Reason("same-host", "the server is already on {host}")


class ServiceUp:
    """The nova-compute services of source and destination are up."""

    keys: IntArray | None

    def __init__(self, model: ComputeModel) -> None:
        self._model = model
        self._nowhere: BoolArray = frozen(np.zeros(len(model.hosts), dtype=np.bool_))
        self._sends: BoolArray = model.up[model.servers.host]
        self.keys = frozen(self._sends.astype(np.int64))

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts]: up; none if the server's own host is down."""
        return self._model.up if self._sends[server] else self._nowhere

    def why(self, server: int, host: int) -> Cause:
        """The host that is down; the destination if both are."""
        at = host if not self._model.up[host] else int(self._model.servers.host[server])
        return Cause(HOST_DOWN, {"host": self._model.hosts.name[at]})


class FullyObserved:
    """No server on the host is quarantined: its load is fully known."""

    keys: IntArray | None = None

    def __init__(self, model: ComputeModel) -> None:
        self._model = model
        self._known: BoolArray = model.hosts.unseen == 0

    def allowed(self, server: int) -> BoolArray | None:  # noqa: ARG002 - the same for all
        """bool[hosts]: no quarantined server."""
        return self._known

    def why(self, server: int, host: int) -> Cause:  # noqa: ARG002 - the same for all
        """The host has quarantined servers."""
        hosts = self._model.hosts
        facts: dict[str, object] = {"host": hosts.name[host], "count": int(hosts.unseen[host])}
        return Cause(HOST_PARTLY_UNKNOWN, facts)


class ServiceEnabled:
    """The host is enabled, in the model or by the branch."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:  # noqa: ARG002
        """bool[hosts]: enabled."""
        return branch.enabled

    def why(self, branch: Branch, server: int, host: int) -> Cause:  # noqa: ARG002
        """The host is disabled."""
        return Cause(HOST_DISABLED, {"host": branch.model.hosts.name[host]})


class NotCurrentHost:
    """The destination is not the server's current host."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: all but its current host."""
        mask = np.ones(len(branch.model.hosts), dtype=np.bool_)
        mask[branch.host_of[server]] = False
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Cause:  # noqa: ARG002
        """It is the current host."""
        return Cause(SAME_HOST, {"host": branch.model.hosts.name[host]})
