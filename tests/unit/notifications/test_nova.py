"""What Nova's notifications are understood to say: of messages that a real one sent."""

from typing import Any

import pytest

from domain.cluster_models.amendments import (
    ComputeFact,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
)
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.reasons import Cause
from infrastructure.notifications.envelope import UnreadableNotification, read_envelope
from infrastructure.notifications.nova import read_nova
from infrastructure.notifications.nova_states import api_status
from tests.unit.notifications.captured import SERVER, Body, captured, data


def facts(body: Body) -> list[ComputeFact | Cause]:
    return list(read_nova(read_envelope(body)))


def server(body: Body) -> ServerFact:
    (fact,) = facts(body)
    assert isinstance(fact, ServerFact)
    return fact


def first(event: str, **fields: Any) -> Body:
    """The first message of a type whose payload has some values."""
    return next(
        body
        for body in captured(event)
        if all(data(body).get(name) == value for name, value in fields.items())
    )


def test_a_new_server_is_told_with_everything_that_the_model_holds() -> None:
    fact = server(first("instance.create.end"))
    assert (fact.id, fact.gone) == (SERVER, False)
    assert fact.attributes == {
        "name": "web-1",
        "host": "cmp-04",
        "vcpus": 1,
        "memory_mb": 512,
        "disk_gb": 1,
        "state": "active",
        "status": "ACTIVE",
        "task_state": None,
        "project_id": data(first("instance.create.end"))["tenant_id"],
        "flavor": "m1.tiny",
        "metadata": {"purpose": "capture"},
        "zone": "az-b",
        "created_at": "2026-11-24T10:54:37Z",
        "extra_specs": {},
        "locked": False,
    }


def test_the_version_is_the_one_before_the_change_and_none_for_a_server_just_made() -> None:
    assert server(first("instance.update", state="building", updated_at=None)).stamp.version == 0
    moved = server(first("instance.live_migration_post_dest.end"))
    assert moved.stamp.version == 1795517686  # 10:54:46Z
    assert moved.stamp.at == pytest.approx(1795517690.072042)


def test_a_server_without_a_host_is_told_as_being_on_none() -> None:
    """A null host once broke off an update in the middle (defect register, no. 27)."""
    gone = server(first("instance.update", state="shelved_offloaded", host=None, task_state=None))
    assert gone.attributes["host"] is None
    assert gone.attributes["status"] == "SHELVED_OFFLOADED"
    failed = server(first("instance.update", state="error"))
    assert (failed.attributes["host"], failed.attributes["status"]) == (None, "ERROR")


def test_a_payload_in_state_deleted_is_a_deletion_whatever_the_message_is_called() -> None:
    """Read as an update it brought the server back, for good (defect register, no. 27)."""
    assert server(first("instance.update", state="deleted")).gone
    assert server(first("instance.delete.end")).gone


def test_locks_and_flavors_are_told() -> None:
    assert server(first("instance.lock")).attributes["locked"] is True
    assert server(first("instance.unlock")).attributes["locked"] is False
    resized = server(captured("instance.resize_finish.end")[-1])
    assert resized.attributes["flavor"] == "m1.small"
    assert (resized.attributes["memory_mb"], resized.attributes["disk_gb"]) == (2048, 10)


def test_local_disk_is_counted_as_collectors_count_it() -> None:
    body = first("instance.create.end")
    flavor = data(body)["flavor"]["nova_object.data"]
    flavor.update(root_gb=20, ephemeral_gb=5, swap=1025)
    assert server(body).attributes["disk_gb"] == 27
    data(body)["image_uuid"] = ""  # booted from a volume
    assert server(body).attributes["disk_gb"] == 7


@pytest.mark.parametrize(
    "event",
    [
        "instance.live_migration_post.end",  # the source's memory: names the source as the host
        "instance.live_migration_post.start",
        "instance.resize.end",
        "instance.resize_prep.end",
        "instance.delete.start",
        "instance.exists",
        "instance.rebuild_scheduled",
        "scheduler.select_destinations.start",
        "flavor.create",
        "aggregate.create.start",
    ],
)
def test_what_is_told_from_memory_or_about_nothing_in_the_model_is_not_read(event: str) -> None:
    assert facts(first(event)) == []


def test_the_source_of_a_live_migration_really_tells_an_older_state_later() -> None:
    """Why ``live_migration_post.end`` is not read: the real order of a real migration."""
    source = first("instance.live_migration_post.end")
    arrived = first("instance.live_migration_post_dest.end")
    assert source["timestamp"] > arrived["timestamp"]
    assert data(source)["host"] == "cmp-04" != data(arrived)["host"]


def test_the_zone_that_a_server_was_asked_to_stay_in_is_told_by_the_scheduler() -> None:
    body = first("scheduler.select_destinations.end")
    (free,) = facts(body)
    assert isinstance(free, PinFact)
    assert (free.id, free.zone) == (SERVER, None)
    data(body)["availability_zone"] = "az-a"
    (pinned,) = facts(body)
    assert isinstance(pinned, PinFact)
    assert pinned.zone == "az-a"


def test_a_compute_service_is_told_and_no_other() -> None:
    """A conductor's event once overwrote the host's status (defect register, no. 27)."""
    body = captured("service.update")[0]
    (fact,) = facts(body)
    assert isinstance(fact, HostFact)
    assert (fact.id, fact.disabled, fact.disabled_reason) == ("cmp-06", True, "capture")
    assert fact.forced_down is False
    data(body)["binary"] = "nova-conductor"
    assert facts(body) == []


def test_a_service_that_comes_or_goes_wants_a_collection() -> None:
    body = captured("service.update")[0]
    for event in ("service.create", "service.delete"):
        assert facts({**body, "event_type": event}) == [Cause(NEEDS_COLLECTION, {"event": event})]


def test_a_change_of_aggregates_wants_a_collection() -> None:
    found = [facts(body) for body in captured() if body["event_type"].startswith("aggregate.")]
    assert [len(one) for one in found] == [0, 1, 1, 1, 1, 1]


def test_groups_and_their_members_are_told() -> None:
    (made,) = facts(first("server_group.create"))
    assert isinstance(made, GroupFact)
    assert (made.name, made.policy, made.gone) == ("capture", "anti-affinity", False)
    group, member = facts(first("server_group.add_member"))
    assert isinstance(group, GroupFact)
    assert isinstance(member, MemberFact)
    assert member.group == group.id == made.id
    (gone,) = facts(first("server_group.delete"))
    assert isinstance(gone, GroupFact)
    assert gone.gone


def test_an_old_nova_that_tells_no_version_and_no_lock_is_read() -> None:
    body = first("instance.create.end")
    for name in ("updated_at", "locked"):
        del data(body)[name]
    fact = server(body)
    assert "locked" not in fact.attributes
    assert fact.stamp.version == int(fact.stamp.at)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"uuid": None}, "uuid"),
        ({"uuid": ""}, "uuid"),
        ({"flavor": None}, "flavor"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"host": 3}, "host"),
        ({"updated_at": "yesterday"}, "updated_at"),
    ],
)
def test_a_payload_that_is_not_as_it_ought_to_be_is_refused_by_name(
    change: dict[str, Any], says: str
) -> None:
    body = first("instance.create.end")
    data(body).update(change)
    with pytest.raises(UnreadableNotification, match=rf"payload of instance.create.end: .*{says}"):
        facts(body)


@pytest.mark.parametrize("vcpus", [-1, 2**53 + 1, 2**63])
def test_a_flavor_that_no_model_can_hold_is_refused(vcpus: int) -> None:
    """One beyond 64 bits was recorded, and from then on the amended model could not be loaded: each
    attempt ended in an OverflowError, until the next collection."""
    body = first("instance.create.end")
    data(body)["flavor"]["nova_object.data"]["vcpus"] = vcpus
    with pytest.raises(UnreadableNotification, match=r"vcpus"):
        facts(body)


def test_a_group_rule_that_is_no_number_counts_as_none() -> None:
    body = first("server_group.create")
    data(body)["rules"] = {"max_server_per_host": "²"}
    (made,) = facts(body)
    assert isinstance(made, GroupFact)
    assert made.max_per_host == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("text", "message: must be an object, not str"),
        ({}, "payload: must be an object, not NoneType"),
        ({"payload": {}}, "publisher_id: must be a non-empty string, not None"),
        (
            {
                "payload": {},
                "publisher_id": "nova-compute:a",
                "event_type": "instance.update",
                "message_id": "1",
                "timestamp": "soon",
            },
            "timestamp: must be an ISO 8601 time, not 'soon'",
        ),
    ],
)
def test_an_envelope_that_is_none_is_refused_by_name(body: object, says: str) -> None:
    with pytest.raises(UnreadableNotification, match=says):
        read_envelope(body)


@pytest.mark.parametrize(
    ("state", "task", "status"),
    [
        ("active", "resize_prep", "RESIZE"),
        ("active", "migrating", "MIGRATING"),
        ("active", "image_snapshot", "ACTIVE"),
        ("paused", "migrating", "MIGRATING"),
        ("resized", None, "VERIFY_RESIZE"),
        ("resized", "resize_reverting", "REVERT_RESIZE"),
        ("stopped", "rebuilding", "REBUILD"),
        ("soft-delete", None, "SOFT_DELETED"),
        ("dancing", None, "UNKNOWN"),
    ],
)
def test_states_and_tasks_are_shown_as_the_api_shows_them(
    state: str, task: str | None, status: str
) -> None:
    assert api_status(state, task) == status
