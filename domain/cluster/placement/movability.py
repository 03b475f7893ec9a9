"""Which servers can be migrated, and how."""

from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import BoolArray, frozen
from domain.kernel.reasons import Cause, Reason

SERVER_STATE_UNSUITABLE = Reason(
    "server-state-unsuitable",
    "server {server} is {status}, which does not allow the action",
)
SERVER_LOCKED = Reason("server-locked", "server {server} is locked")
EXCLUDED_BY_OPERATOR = Reason("excluded-by-operator", "{resource} is excluded by the audit's scope")

LIVE = "live"
COLD = "cold"
MIGRATION_OF_STATE = {"active": LIVE, "stopped": COLD}
"""vm_state → migration type. Servers in other states (paused, suspended, …) are not migrated."""
SETTLED = frozenset({"", "ACTIVE", "SHUTOFF"})
"""API statuses without an operation in progress (empty: not reported)."""


class Movability:
    """Which servers can be migrated.

    Attributes:
        movable: bool[servers].
    """

    movable: BoolArray

    def __init__(self, model: ComputeModel) -> None:
        self._model = model
        servers = model.servers
        idle = servers.task_state.where(lambda task: not task)
        settled = servers.status.where(lambda status: status.upper() in SETTLED)
        suitable = servers.state.where(lambda state: state in MIGRATION_OF_STATE)
        self.movable = frozen(idle & settled & suitable & ~servers.locked & ~servers.excluded)

    def why_fixed(self, server: int) -> Cause | None:
        """Why a server cannot be migrated; None if it can."""
        if self.movable[server]:
            return None
        servers = self._model.servers
        identity = servers.id[server]
        if servers.excluded[server]:
            return Cause(EXCLUDED_BY_OPERATOR, {"resource": f"server {identity}"})
        if servers.locked[server]:
            return Cause(SERVER_LOCKED, {"server": identity})
        status = servers.task_state[server] or _shown_status(
            servers.state[server], servers.status[server]
        )
        return Cause(SERVER_STATE_UNSUITABLE, {"server": identity, "status": status})

    def migration_type(self, server: int) -> str:
        """``live`` or ``cold``, for a movable server."""
        return MIGRATION_OF_STATE[self._model.servers.state[server]]


def _shown_status(state: str, status: str) -> str:
    return status if state in MIGRATION_OF_STATE else state
