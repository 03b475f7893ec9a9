"""Cinder's notifications, in the shapes that its usage module gives them."""

from typing import Any

import pytest

from domain.cluster_models.amendments import PoolFact, StorageFact, VolumeFact
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.reasons import Cause
from infrastructure.notifications.cinder import read_cinder
from infrastructure.notifications.envelope import UnreadableNotification, read_envelope

VOLUME = "00000000-0000-4000-8000-00000000000a"
POOL = "s1@ssd#fast"


def message(
    event: str, payload: dict[str, Any], publisher: str = "volume.s1@ssd"
) -> dict[str, Any]:
    """A message as Cinder sends it."""
    return {
        "publisher_id": publisher,
        "event_type": event,
        "message_id": "m1",
        "timestamp": "2026-11-24 10:54:38.119873",
        "payload": payload,
    }


def volume(**changes: Any) -> dict[str, Any]:
    """A payload about a volume."""
    return {
        "tenant_id": "p",
        "host": POOL,
        "user_id": "u",
        "availability_zone": "nova",
        "volume_id": VOLUME,
        "volume_type": "t1",
        "display_name": "data",
        "launched_at": "2026-11-24T10:50:00+00:00",
        "created_at": "2026-11-24T10:49:00+00:00",
        "status": "in-use",
        "snapshot_id": None,
        "size": 10,
        "replication_status": None,
        "metadata": [{"key": "tier", "value": "gold"}],
        "volume_attachment": [{"instance_uuid": "s", "id": "a", "attach_mode": "rw"}],
        **changes,
    }


def told(body: dict[str, Any]) -> list[StorageFact | Cause]:
    return list(read_cinder(read_envelope(body)))


def about_volume(event: str, **changes: Any) -> VolumeFact:
    (fact,) = told(message(event, volume(**changes)))
    assert isinstance(fact, VolumeFact)
    return fact


@pytest.mark.parametrize("work", ["create", "update", "attach", "detach", "resize"])
def test_a_volume_is_told_with_what_the_model_holds(work: str) -> None:
    fact = about_volume(f"volume.{work}.end")
    assert (fact.id, fact.gone, fact.type_id) == (VOLUME, False, "t1")
    assert fact.attributes == {
        "name": "data",
        "pool": POOL,
        "snapshot_id": None,
        "project_id": "p",
        "zone": "nova",
        "size_gb": 10,
        "status": "in-use",
        "attachments": [["s", "a"]],
        "metadata": {"tier": "gold"},
    }


def test_a_volume_that_no_backend_has_yet_is_in_no_pool() -> None:
    """A null host once raised in the middle of the update (5.3)."""
    assert about_volume("volume.create.end", host=None).attributes["pool"] is None


def test_that_a_volume_can_be_booted_from_is_told_and_that_it_cannot_is_not() -> None:
    assert about_volume("volume.create.end", glance_metadata=[{}]).attributes["bootable"] is True
    assert "bootable" not in about_volume("volume.create.end").attributes


def test_a_deleted_volume_is_gone() -> None:
    assert about_volume("volume.delete.end").gone


def test_a_pool_s_figures_are_told_also_when_they_are_words() -> None:
    figures = {
        "type": "pool",
        "name_to_id": POOL,
        "total": 100,
        "free": "unknown",
        "allocated": 20,
        "provisioned": 40.5,
        "virtual_free": -3,
        "reported_at": "2026-11-24T10:54:38",
    }
    (fact,) = told(message("capacity.pool", figures, "capacity.s1@ssd#fast"))
    assert isinstance(fact, PoolFact)
    assert fact.id == POOL
    assert fact.figures == {
        "total_gb": 100,
        "free_gb": "unknown",
        "allocated_gb": 20,
        "provisioned_gb": 40.5,
        "virtual_free_gb": 0,
    }


@pytest.mark.parametrize("event", ["volume.retype", "snapshot.create.end", "snapshot.delete.end"])
def test_what_is_not_told_exactly_wants_a_collection(event: str) -> None:
    assert told(message(event, {})) == [Cause(NEEDS_COLLECTION, {"event": event})]


@pytest.mark.parametrize("event", ["volume.create.start", "volume.usage", "backup.create.end"])
def test_everything_else_is_useless(event: str) -> None:
    assert told(message(event, {})) == []


def test_what_is_not_as_it_ought_to_be_is_refused_by_name() -> None:
    with pytest.raises(UnreadableNotification, match=r"payload of volume.create.end: .*size"):
        about_volume("volume.create.end", size=-1)
    with pytest.raises(UnreadableNotification, match=r"payload of volume.create.end: .*size"):
        about_volume("volume.create.end", size=2**63)
    with pytest.raises(UnreadableNotification, match=r"volume_id"):
        told(message("volume.delete.end", {}))
    with pytest.raises(UnreadableNotification, match=r"free: must be an amount of GB, not 'lots'"):
        told(message("capacity.pool", {"name_to_id": POOL, "free": "lots"}))
