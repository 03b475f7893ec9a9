"""``migrate``: moves a server to another host, live or cold."""

from typing import TYPE_CHECKING, Final

from domain.cluster.kinds import ModelKind
from domain.cluster.verifier.checked_action import CheckedAction
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types.declaration import (
    ActionType,
    ResourceKind,
    without_placement,
)
from domain.plans.action_types.schemas import ID, NAME, OPTIONAL_NAME, parameters
from domain.plans.proposal import PlannedAction, ProposedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel
    from domain.cluster.storage.model import StorageModel

MIGRATE: Final = "migrate"

SERVER_NOT_ON_SOURCE = Reason(
    "server-not-on-source",
    "server {server} is on {host}, not on {source}",
)
DESTINATION_NOT_FOUND = Reason("destination-not-found", "destination {host} is not a compute host")
DESTINATION_DISABLED = Reason("destination-disabled", "destination {host} is disabled")
DESTINATION_DOWN = Reason("destination-down", "destination {host} is down")
ALREADY_AT_DESTINATION = Reason("already-at-destination", "server {server} is already on {host}")
LANDED_ELSEWHERE = Reason(
    "landed-elsewhere",
    "server {server} was migrated to {host} instead of {destination}",
)


def _checked(model: "ComputeModel", planned: PlannedAction) -> CheckedAction:
    destination = planned.action.parameters.get("destination_node")
    if not destination:  # Nova chooses it, by its own rules
        return without_placement(model, planned)
    server = model.server_places.get(planned.action.resource_id, -1)
    host = model.host_places.get(str(destination), -1)
    return CheckedAction("move", server, host, planned.parents)


def _copies(
    model: "ComputeModel", storage: "StorageModel | None", action: ProposedAction
) -> int | None:
    del storage
    server = model.server_places.get(action.resource_id)
    if server is None:
        return None
    if action.parameters["migration_type"] == "live":
        return int(model.servers.memory_mb[server]) * 1024**2 or None
    return int(model.servers.disk_gb[server]) * 1024**3 or None


DECLARATION: Final = ActionType(
    name=MIGRATE,
    description="Moves a server to another compute host, live or cold.",
    schema=parameters(
        ("resource_id", "migration_type", "source_node"),
        resource_id=ID,
        migration_type={"type": "string", "enum": ["live", "cold"]},
        source_node=NAME,
        destination_node=OPTIONAL_NAME,
        resource_name=OPTIONAL_NAME,
    ),
    resource=ResourceKind.SERVER,
    changes=(ModelKind.COMPUTE,),
    weight=30,
    parallelization=2,
    abortable=True,
    compensable=True,
    copies=_copies,
    checked=_checked,
)


def migrate(
    model: "ComputeModel",
    server: int,
    destination: int,
    migration_type: str,
    because: Cause,
    source: int | None = None,
) -> ProposedAction:
    """Migrates a server.

    Args:
        model: the model.
        server: index of the server.
        destination: index of the destination host.
        migration_type: ``live`` or ``cold``.
        because: why.
        source: index of its host by then; that in the model if an earlier action does not move it.
    """
    source = int(model.servers.host[server]) if source is None else source
    return ProposedAction(
        MIGRATE,
        model.servers.id[server],
        {
            "migration_type": migration_type,
            "source_node": model.hosts.name[source],
            "destination_node": model.hosts.name[destination],
            "resource_name": model.servers.name[server],
        },
        because,
    )
