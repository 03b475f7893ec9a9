"""Deterministic ids: what can only happen once gets an id that makes a second birth impossible."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

_VIGIL = UUID("6f1f2b1c-60a5-5c2e-9f0e-56c7f3a1d0b7")


def _within(kind: str, *parts: object) -> UUID:
    return uuid5(uuid5(_VIGIL, kind), "\x1f".join(str(part) for part in parts))


def as_uuid(text: str) -> UUID | None:
    """The uuid that text spells (with or without dashes or braces, any case), None if none."""
    digits = text.strip("{}").replace("-", "").lower()
    if len(digits) != 32 or not set(digits) <= set("0123456789abcdef"):  # noqa: PLR2004
        return None
    return UUID(digits)


def run_id(audit_id: UUID, due: datetime) -> UUID:
    """Id of the run of an audit due at one instant: two schedulers cannot request it twice."""
    return _within("run", audit_id, due.astimezone(UTC).isoformat())


def plan_id(audit_id: UUID, run: UUID) -> UUID:
    """Id of the only plan that a run can publish."""
    return _within("plan", audit_id, run)


def action_id(plan: UUID, index: int) -> UUID:
    """Id of the action at a place (0-based) in a plan."""
    return _within("action", plan, index)


def reservation_id(kind: str, name: str) -> UUID:
    """Id of the reservation of a name. Names are unique per kind and compared without case."""
    return _within("name", kind, name.casefold())


def command_id(key: str) -> UUID:
    """Id of the stream that remembers a command, so that a replayed one finds its own result."""
    return _within("command", key)


def definition_id(kind: str, name: str) -> UUID:
    """Id of a catalogue entry (goal, strategy, …): stable across upgrades and installations."""
    return _within("definition", kind, name)


def cluster_model_id(cloud: str, kind: str) -> UUID:
    """Id of the kept model of one kind (``compute``) of a cloud."""
    return _within("cluster-model", cloud, kind)


def amendments_id(model: UUID, number: int) -> UUID:
    """Id of the amendments to the n-th collection (from 1) that a kept model took in."""
    return _within("model-amendments", model, number)


CATALOGUE_ID = _within("catalogue")
"""Id of the one catalogue of an installation."""
