"""``change_nova_service_state``: enables or disables the compute service of a host."""

from typing import TYPE_CHECKING, Final

from domain.cluster.kinds import ModelKind
from domain.cluster.verifier.checked_action import CheckedAction
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import NAME, OPTIONAL_NAME, parameters
from domain.plans.proposal import PlannedAction, ProposedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel

CHANGE_SERVICE_STATE: Final = "change_nova_service_state"

SERVICE_ALREADY_IN_STATE = Reason(
    "service-already-in-state",
    "nova-compute on {host} is already {state}",
)

SERVICE_DISABLED_FOR_OTHER_REASON = Reason(
    "service-disabled-for-other-reason",
    "nova-compute on {host} is disabled for another reason than {expected}: {found}",
)


def _checked(model: "ComputeModel", planned: PlannedAction) -> CheckedAction:
    parameters = planned.action.parameters
    host = model.host_places.get(str(parameters.get("resource_name")), -1)
    opens = parameters.get("state") == "enabled"
    return CheckedAction("enable" if opens else "disable", -1, host, planned.parents)


DECLARATION: Final = ActionType(
    name=CHANGE_SERVICE_STATE,
    description="Enables or disables the nova-compute service of a host.",
    schema=parameters(
        ("resource_id", "state"),
        resource_id=NAME,
        state={"type": "string", "enum": ["enabled", "disabled"]},
        resource_name=OPTIONAL_NAME,
        disabled_reason=OPTIONAL_NAME,  # with enabled: only if this is the present reason
    ),
    resource=ResourceKind.HOST,
    changes=(ModelKind.COMPUTE,),
    weight=50,
    parallelization=1,
    compensable=True,
    checked=_checked,
)


def enable_host(model: "ComputeModel", host: int, because: Cause) -> ProposedAction:
    """Enables the compute service of a host."""
    parameters: dict[str, object] = {"state": "enabled", "resource_name": model.hosts.name[host]}
    return ProposedAction(CHANGE_SERVICE_STATE, model.hosts.id[host], parameters, because)


def disable_host(
    model: "ComputeModel", host: int, because: Cause, disabled_reason: str
) -> ProposedAction:
    """Disables the compute service of a host."""
    parameters: dict[str, object] = {
        "state": "disabled",
        "disabled_reason": disabled_reason,
        "resource_name": model.hosts.name[host],
    }
    return ProposedAction(CHANGE_SERVICE_STATE, model.hosts.id[host], parameters, because)
