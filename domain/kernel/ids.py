"""Deterministic ids: an aggregate that may be created only once has an id derived from its key."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

_VIGIL = UUID("6f1f2b1c-60a5-5c2e-9f0e-56c7f3a1d0b7")


def _within(kind: str, *parts: object) -> UUID:
    return uuid5(uuid5(_VIGIL, kind), "\x1f".join(str(part) for part in parts))


def as_uuid(text: str) -> UUID | None:
    """Parses a uuid, with or without dashes or braces, in any case; None if it is none."""
    digits = text.strip("{}").replace("-", "").lower()
    if len(digits) != 32 or not set(digits) <= set("0123456789abcdef"):  # noqa: PLR2004
        return None
    return UUID(digits)


def run_id(audit_id: UUID, due: datetime) -> UUID:
    """Id of the run of an audit that is due at a time: two schedulers cannot request it twice."""
    return _within("run", audit_id, due.astimezone(UTC).isoformat())


def plan_id(audit_id: UUID, run: UUID) -> UUID:
    """Id of the only plan that a run can publish."""
    return _within("plan", audit_id, run)


def return_run_id(plan: UUID, number: int) -> UUID:
    """Id under which the n-th return plan (from 1) of a plan is computed: it is published once."""
    return _within("return", plan, number)


def action_id(plan: UUID, index: int) -> UUID:
    """Id of the action at an index (from 0) of a plan."""
    return _within("action", plan, index)


def reservation_id(kind: str, name: str) -> UUID:
    """Id of the reservation of a name. Names are unique per kind; case is ignored."""
    return _within("name", kind, name.casefold())


def command_id(key: str) -> UUID:
    """Id of the receipt of a command, from its idempotency key."""
    return _within("command", key)


def definition_id(kind: str, name: str) -> UUID:
    """Id of a catalogue entry (goal, strategy, …): the same in every version and installation."""
    return _within("definition", kind, name)


def cluster_model_id(cloud: str, kind: str) -> UUID:
    """Id of the cluster model of one kind (such as ``compute``) of a cloud."""
    return _within("cluster-model", cloud, kind)


def amendments_id(model: UUID, number: int) -> UUID:
    """Id of the amendments to the n-th collection (from 1) of a cluster model."""
    return _within("model-amendments", model, number)


def notification_id(position: int, event_type: str, about: UUID, at: datetime) -> UUID:
    """Id of the notification of a type about an object, for the event at a log position.

    The time of the event keeps the ids of a restored log apart from those sent before.
    """
    return _within("notification", position, event_type, about, at.astimezone(UTC).isoformat())


def service_id(name: str, host: str) -> UUID:
    """Id of the service with a name on a host."""
    return _within("service", name, host)


CATALOGUE_ID = _within("catalogue")
"""Id of the only catalogue of an installation."""

ACTUATION_ID = _within("actuation")
"""Id of the only actuation switch of an installation."""
