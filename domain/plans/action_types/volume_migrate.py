"""``volume_migrate``: moves a volume to another pool, or gives it another type."""

from typing import Final

from domain.cluster.kinds import ModelKind
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import ID, OPTIONAL_NAME, parameters

DECLARATION: Final = ActionType(
    name="volume_migrate",
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
)
