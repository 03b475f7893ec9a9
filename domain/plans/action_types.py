"""The action types and the parameters of the actions that strategies propose."""

from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause
from domain.plans.proposal import ProposedAction

MIGRATE = "migrate"
CHANGE_SERVICE_STATE = "change_nova_service_state"
NOP = "nop"
SLEEP = "sleep"


def migrate(
    model: ComputeModel, server: int, destination: int, migration_type: str, because: Cause
) -> ProposedAction:
    """Migrates a server from its host in the model.

    Args:
        model: the model.
        server: index of the server.
        destination: index of the destination host.
        migration_type: ``live`` or ``cold``.
        because: why.
    """
    source = int(model.servers.host[server])
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


def enable_host(model: ComputeModel, host: int, because: Cause) -> ProposedAction:
    """Enables the compute service of a host."""
    parameters: dict[str, object] = {"state": "enabled", "resource_name": model.hosts.name[host]}
    return ProposedAction(CHANGE_SERVICE_STATE, model.hosts.id[host], parameters, because)


def disable_host(
    model: ComputeModel, host: int, because: Cause, disabled_reason: str
) -> ProposedAction:
    """Disables the compute service of a host."""
    parameters: dict[str, object] = {
        "state": "disabled",
        "disabled_reason": disabled_reason,
        "resource_name": model.hosts.name[host],
    }
    return ProposedAction(CHANGE_SERVICE_STATE, model.hosts.id[host], parameters, because)
