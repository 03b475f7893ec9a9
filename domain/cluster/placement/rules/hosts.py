"""The destination must be up, fully observed, enabled, and another host."""

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import HOST_DOWN
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.rules.rule import BranchRule, StaticRule
from domain.cluster.table.columns import BoolArray, frozen
from domain.kernel.reasons import Cause, Reason

HOST_DISABLED = Reason("host-disabled", "{host} is disabled")
HOST_PARTLY_UNKNOWN = Reason(
    "host-partly-unknown",
    "{host} has {count} servers that could not be read",
    count="number",
)
SAME_HOST = Reason("same-host", "the server is already on {host}")


class ServiceUp(BranchRule):
    """The nova-compute services of source and destination are up."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: up; none if the server's own host is down."""
        if branch.up[branch.host_of[server]]:
            return branch.up
        return np.zeros(len(branch.up), dtype=np.bool_)

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """The host that is down; the destination if both are."""
        at = host if not branch.up[host] else int(branch.host_of[server])
        return Cause(HOST_DOWN, {"host": branch.model.hosts.name[at]})


class FullyObserved(StaticRule):
    """No server on the host is quarantined: its load is fully known."""

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


class ServiceEnabled(BranchRule):
    """The host is enabled, in the model or by the branch."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:  # noqa: ARG002
        """bool[hosts]: enabled."""
        return branch.enabled

    def why(self, branch: Branch, server: int, host: int) -> Cause:  # noqa: ARG002
        """The host is disabled."""
        return Cause(HOST_DISABLED, {"host": branch.model.hosts.name[host]})


class NotCurrentHost(BranchRule):
    """The destination is not the server's current host."""

    def __init__(self, model: ComputeModel) -> None:
        self._everywhere: BoolArray = frozen(np.ones(len(model.hosts), dtype=np.bool_))

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: all but its current host."""
        mask = self._everywhere.copy()  # much faster than a new array of ones
        mask[branch.host_of[server]] = False
        return mask

    def allows(self, branch: Branch, server: int, host: int) -> bool:
        """Whether it is another host."""
        return bool(branch.host_of[server] != host)

    def why(self, branch: Branch, server: int, host: int) -> Cause:  # noqa: ARG002
        """It is the current host."""
        return Cause(SAME_HOST, {"host": branch.model.hosts.name[host]})
