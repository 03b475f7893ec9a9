"""The ``volume_migrate`` action: moves a volume to another pool, or gives it another type.

Cinder itself copies the volume, of a server that uses it, too. Vigil acts as its own user only.
"""

from typing import Final

from application.ports.cloud import CloudRefused, Fail, Go, Observation, Phase, Skip, Verdict
from domain.cluster.placement.movability import SERVER_STATE_UNSUITABLE
from domain.cluster.placement.volume_rules import POOL_FULL
from domain.cluster.storage.validation import admitted
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action_types.volume_migrate import (
    DECLARATION,
    POOL_LACKS_TYPE,
    POOL_NOT_FOUND,
    VOLUME_ALREADY_IN_POOL,
    VOLUME_ALREADY_OF_TYPE,
    VOLUME_BUSY,
    VOLUME_MIGRATION_FAILED,
    VOLUME_NOT_FOUND,
    VOLUME_REFUSED,
    VOLUME_RETYPE_FAILED,
    VOLUME_TYPE_NOT_FOUND,
)
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import ACTION_PARAMETERS_INVALID, NO_LONGER_LEGAL, NOTHING_TO_UNDO
from infrastructure.openstack.actions.base import Handler, because, inverse, number
from infrastructure.openstack.actions.conduct import Conduct
from infrastructure.openstack.collectors.storage import pool_of, pool_row
from infrastructure.openstack.errors import CloudForbidden, Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json

_MIGRATING: Final = ("starting", "migrating", "completing")
_RETYPING: Final = "retyping"
_AVAILABLE, _IN_USE = "available", "in-use"
_OF_A_USER: Final = ("ACTIVE", "PAUSED")
"""Statuses of a server whose volumes Nova can replace while it uses them."""
_BYTES_PER_GB = 1024**3


class VolumeMigrate(Handler):
    """Migrates a volume (``migrate``; ``swap`` means the same) or retypes it (``retype``)."""

    declaration = DECLARATION
    conduct = Conduct(
        check="The volume, the pool or type, and the servers that use it. Skipped if it is gone or "
        "there already. Fails if it is busy, the pool or type does not exist, the pool is not of "
        "its type's backend, or a server that uses it is neither ACTIVE nor PAUSED. Skipped if the "
        "pool has no room for it any more.",
        effect="os-migrate_volume with a lock, or os-retype on demand.",
        observation="Pool, type, status and migration status of the volume.",
        undo="The migration to the former pool, or the retype to the former type.",
        once="Status and time of change of the volume are in the intent. Without a response, the "
        "request is repeated only if both are unchanged; Cinder refuses one for a busy volume.",
        rights=(
            "volume:get",
            "volume_extension:volume_admin_actions:migrate_volume",
            "volume:retype",
            "scheduler_extension:scheduler_stats:get_pools",
            "volume_extension:services:index",
            "os_compute_api:servers:show",
        ),
    )

    def precondition(self, parameters: JsonObject) -> Verdict:
        """Reads the volume, its destination, and the servers that use it."""
        volume = self._volume(parameters)
        if volume is None:
            return Skip(because(VOLUME_NOT_FOUND, volume=parameters["resource_id"]))
        refused = self._destination_refused(volume, parameters) or self._unsuitable(volume)
        if refused is not None:
            return refused
        return Go(
            {
                "pool": pool_of(volume),
                "clustered": self._is_clustered(parameters),
                "type": volume["volume_type"],
                "size_gb": volume["size"],
                "updated_at": volume["updated_at"],
                "migration_status": volume.get("migration_status"),
            }
        )

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Requests the migration or the retype, once."""
        volume_id = parameters["resource_id"]
        if _is_retype(parameters):
            kind = parameters["destination_type"]
            body: Json = {"os-retype": {"new_type": kind, "migration_policy": "on-demand"}}
        else:
            place = "cluster" if before["clustered"] else "host"
            options = {"force_host_copy": False, "lock_volume": True}
            body = {"os-migrate_volume": {place: parameters["destination_node"], **options}}
        try:
            response = self.clouds.block_storage.send_once(
                "POST", f"/volumes/{volume_id}/action", body
            )
        except (Conflicting, CloudForbidden, Invalid, ResourceNotFound) as error:
            refused = because(VOLUME_REFUSED, volume=volume_id, error=error.error)
            raise CloudRefused(refused) from error
        return {"request_id": response.request_id}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reads pool, type and status of the volume."""
        volume = self._volume(parameters)
        if volume is None:
            gone = because(VOLUME_NOT_FOUND, volume=parameters["resource_id"])
            return Observation(Phase.FAILED, {}, gone)
        facts: JsonObject = {
            "pool": pool_of(volume),
            "type": volume["volume_type"],
            "status": volume["status"],
            "migration_status": volume.get("migration_status"),
        }
        if volume["status"] == _RETYPING or facts["migration_status"] in _MIGRATING:
            return Observation(Phase.RUNNING, facts)
        if _is_there(volume, parameters):
            return Observation(Phase.DONE, facts)
        unchanged = all(
            volume.get(name) == before[name] for name in ("updated_at", "migration_status")
        )
        if receipt is None and unchanged:
            return Observation(Phase.NEVER_STARTED, facts)
        return Observation(Phase.FAILED, facts, _failure(volume, parameters))

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """The former pool, or the former type."""
        del outcome
        key, name = _destination(parameters)
        former = before["type" if key == "destination_type" else "pool"]
        if not former or former == name:
            return because(NOTHING_TO_UNDO, type=self.declaration.name)
        return inverse(self.declaration.name, parameters, {key: former})

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """The time to copy the volume at the lowest rate."""
        del parameters
        size = number(before["size_gb"]) * _BYTES_PER_GB
        return max(self.limits.shortest_deadline, size / self.limits.copy_rate)

    def _volume(self, parameters: JsonObject) -> Json | None:
        try:
            volume: Json = self.clouds.block_storage.get(f"/volumes/{parameters['resource_id']}")[
                "volume"
            ]
        except ResourceNotFound:
            return None
        return volume

    def _destination_refused(self, volume: Json, parameters: JsonObject) -> Skip | Fail | None:
        key, name = _destination(parameters)
        if not name:
            error = f"{key}: is required for {parameters['migration_type']}"
            return Fail(because(ACTION_PARAMETERS_INVALID, error=error))
        if _is_there(volume, parameters):
            if _is_retype(parameters):
                return Skip(because(VOLUME_ALREADY_OF_TYPE, volume=volume["id"], type=name))
            return Skip(because(VOLUME_ALREADY_IN_POOL, volume=volume["id"], pool=name))
        if not _is_retype(parameters):
            return self._pool_refused(volume, name)
        if self._type(name) is None:
            return Fail(because(VOLUME_TYPE_NOT_FOUND, type=name))
        return None

    def _pool_refused(self, volume: Json, name: str) -> Skip | Fail | None:
        pools = self.clouds.block_storage.get_list(
            "/scheduler-stats/get_pools", "pools", {"detail": "true"}
        )
        found = [pool for pool in pools if pool.get("name") == name]
        if len(found) != 1:
            return Fail(because(POOL_NOT_FOUND, pool=name))
        kind = self._type(volume["volume_type"])
        wanted = ((kind or {}).get("extra_specs") or {}).get("volume_backend_name")
        offered = (found[0].get("capabilities") or {}).get("volume_backend_name")
        if wanted and offered and wanted != offered:
            facts = {"volume": volume["id"], "type": volume["volume_type"], "pool": name}
            return Fail(because(POOL_LACKS_TYPE, **facts))
        row = pool_row(found[0])
        pool, size = admitted(row, (row.backend,)), volume["size"]
        if isinstance(pool, Cause) or not number(pool.virtual_free_gb) < size:
            return None
        full = because(POOL_FULL, pool=name, needed=size, free=pool.virtual_free_gb)
        return Skip(because(NO_LONGER_LEGAL, why=str(full)))

    def _is_clustered(self, parameters: JsonObject) -> bool:
        """Whether the destination is a pool of a cluster of cinder-volume services."""
        key, name = _destination(parameters)
        if key != "destination_node":
            return False
        services = self.clouds.block_storage.get_list(
            "/os-services", "services", {"binary": "cinder-volume"}
        )
        return name.partition("#")[0] in {service.get("cluster") for service in services}

    def _type(self, name: object) -> Json | None:
        kinds = self.clouds.block_storage.list_all("/types", "volume_types", {"is_public": "None"})
        return next((kind for kind in kinds if kind.get("name") == name), None)

    def _unsuitable(self, volume: Json) -> Fail | None:
        """What does not allow a copy: the volume's status, or that of a server that uses it."""
        status, migration = volume["status"], volume.get("migration_status")
        if status not in (_AVAILABLE, _IN_USE) or migration in _MIGRATING:
            shown = migration if migration in _MIGRATING else status
            return Fail(because(VOLUME_BUSY, volume=volume["id"], status=shown))
        for attachment in volume.get("attachments") or ():
            server = self._server({"resource_id": attachment["server_id"]})
            if server is not None and server["status"] not in _OF_A_USER:
                facts = {"server": server["id"], "status": server["status"]}
                return Fail(because(SERVER_STATE_UNSUITABLE, **facts))
        return None


def _is_retype(parameters: JsonObject) -> bool:
    return parameters["migration_type"] == "retype"


def _destination(parameters: JsonObject) -> tuple[str, str]:
    """The parameter that names it, and the name of a volume type or pool; empty if not given."""
    key = "destination_type" if _is_retype(parameters) else "destination_node"
    return key, str(parameters.get(key) or "")


def _is_there(volume: Json, parameters: JsonObject) -> bool:
    _, name = _destination(parameters)
    found = volume["volume_type"] if _is_retype(parameters) else pool_of(volume)
    return bool(found == name)


def _failure(volume: Json, parameters: JsonObject) -> Cause:
    facts: JsonObject = {"volume": volume["id"]}
    if _is_retype(parameters):
        facts |= {"type": volume["volume_type"], "status": volume["status"]}
        return because(VOLUME_RETYPE_FAILED, **facts)
    status = volume.get("migration_status") or volume["status"]
    return because(VOLUME_MIGRATION_FAILED, **facts, pool=pool_of(volume), status=status)
