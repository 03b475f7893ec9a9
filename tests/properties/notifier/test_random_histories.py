"""Random histories: what is sent depends on the log alone, and shows what the API showed then."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from application.notifier.payloads import plain
from application.ports.notifier import Notification
from application.ports.read_models import ActionPlanView, ActionView, AuditView
from application.replay.as_of import AsOfQueries
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from tests.unit.notifier import contract
from tests.world.histories import RandomHistory
from tests.world.notifications import composed
from tests.world.world import World

CHANGES = 60
SHOWN = ("state", "status_message", "created_at", "updated_at", "deleted_at")


@contextmanager
def random_world(seed: int) -> Iterator[World]:
    """A log with a random history."""
    with TemporaryDirectory() as folder, World(Path(folder)) as world:
        for touched in RandomHistory(seed).saves(CHANGES):
            world.log.save(*touched)
        yield world


@settings(max_examples=4)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_a_notifier_that_starts_anywhere_sends_the_same(seed: int, where: float) -> None:
    with random_world(seed) as world:
        after = round(world.log.end() * where)
        whole = [one for one in composed(world.log) if one.position > after]
        assert composed(world.log, after=after) == whole
        assert composed(world.log, after=after, budget=1) == whole


@settings(max_examples=4)
@given(st.integers(0, 2**32))
def test_a_notification_shows_what_the_api_showed_after_its_event(seed: int) -> None:
    with random_world(seed) as world:
        past = AsOfQueries(world.log, world.reads, next_match, SystemClock())
        for one in composed(world.log):
            assert contract.breaches(one.payload, contract.TYPES[one.event_type][0]) == []
            if one.event_type.endswith((".create", ".update", ".execution.start")):
                assert shown(one) == then(past, one)


@settings(max_examples=4)
@given(st.integers(0, 2**32))
def test_the_updates_of_an_object_tell_its_states_without_a_gap(seed: int) -> None:
    with random_world(seed) as world:
        states: dict[object, Any] = {}
        for one in composed(world.log):
            data = one.payload["watcher_object.data"]
            if one.event_type.endswith(".create"):
                states[one.about] = data["state"]
            elif one.event_type.endswith(".update"):
                told = data["state_update"]["watcher_object.data"]
                if told["state"] is not None:
                    assert told["old_state"] == states[one.about]
                    states[one.about] = told["state"]
                assert data["state"] == states[one.about]


def shown(one: Notification) -> dict[str, Any]:
    """What a payload shows of an object."""
    data = one.payload["watcher_object.data"]
    return {name: data[name] for name in SHOWN}


def then(past: AsOfQueries, one: Notification) -> dict[str, Any]:
    """What the API showed of it then."""
    view: AuditView | ActionPlanView | ActionView
    if one.event_type.startswith("audit."):
        view, _ = past.audit(one.about, one.position)
    elif one.event_type.startswith("action_plan."):
        view, _ = past.action_plan(one.about, one.position)
    else:
        plan = one.payload["watcher_object.data"]["action_plan"]["watcher_object.data"]["uuid"]
        view, _ = past.action(UUID(plan), one.about, one.position)
    return {name: plain(getattr(view, name)) for name in SHOWN}
