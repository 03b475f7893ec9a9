"""``volume_migrate``: moves a volume to another pool, or gives it another type."""

from typing import TYPE_CHECKING, Final

from domain.cluster.kinds import ModelKind
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import ID, OPTIONAL_NAME, parameters
from domain.plans.proposal import ProposedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel
    from domain.cluster.storage.model import StorageModel

VOLUME_MIGRATE: Final = "volume_migrate"

VOLUME_NOT_FOUND = Reason("volume-not-found", "volume {volume} does not exist")
VOLUME_ALREADY_IN_POOL = Reason("volume-already-in-pool", "volume {volume} is already in {pool}")
VOLUME_ALREADY_OF_TYPE = Reason(
    "volume-already-of-type", "volume {volume} is already of type {type}"
)
POOL_NOT_FOUND = Reason("pool-not-found", "pool {pool} does not exist")
VOLUME_TYPE_NOT_FOUND = Reason("volume-type-not-found", "volume type {type} does not exist")
POOL_LACKS_TYPE = Reason(
    "pool-lacks-type", "volume {volume} is of type {type}, which pool {pool} does not offer"
)
VOLUME_BUSY = Reason("volume-busy", "the status of volume {volume} is {status}")
VOLUME_REFUSED = Reason("volume-refused", "Cinder refused to change volume {volume}: {error}")
VOLUME_MIGRATION_FAILED = Reason(
    "volume-migration-failed", "volume {volume} is in {pool}; its migration ended as {status}"
)
VOLUME_RETYPE_FAILED = Reason(
    "volume-retype-failed", "volume {volume} is still of type {type}; its status is {status}"
)


def _copies(
    compute: "ComputeModel", storage: "StorageModel | None", action: ProposedAction
) -> int | None:
    del compute
    volume = None if storage is None else storage.volume_places.get(action.resource_id)
    if storage is None or volume is None or action.parameters["migration_type"] == "retype":
        return None
    return int(storage.volumes.size_gb[volume]) * 1024**3 or None


DECLARATION: Final = ActionType(
    name=VOLUME_MIGRATE,
    description="Moves a volume to another pool, or gives it another type.",
    schema=parameters(
        ("resource_id", "migration_type"),
        resource_id=ID,
        migration_type={"type": "string", "enum": ["migrate", "retype", "swap"]},
        destination_node=OPTIONAL_NAME,
        destination_type=OPTIONAL_NAME,
        resource_name=OPTIONAL_NAME,
    ),
    resource=ResourceKind.VOLUME,
    changes=(ModelKind.STORAGE,),
    weight=60,
    parallelization=2,
    compensable=True,
    copies=_copies,
)


def migrate_volume(model: "StorageModel", volume: int, pool: int, because: Cause) -> ProposedAction:
    """Moves a volume to another pool."""
    destination = {"destination_node": model.pools.name[pool]}
    return _action(model, volume, "migrate", destination, because)


def retype_volume(
    model: "StorageModel", volume: int, volume_type: str, because: Cause
) -> ProposedAction:
    """Gives a volume another type; Cinder moves it, if its pool does not offer the type."""
    return _action(model, volume, "retype", {"destination_type": volume_type}, because)


def _action(
    model: "StorageModel",
    volume: int,
    kind: str,
    destination: dict[str, str],
    because: Cause,
) -> ProposedAction:
    name = model.volumes.name[volume]
    given: dict[str, object] = {"migration_type": kind, **destination, "resource_name": name}
    return ProposedAction(VOLUME_MIGRATE, model.volumes.id[volume], given, because)
