"""Changes of services are appended to the log once, by one of many observers."""

from dataclasses import replace

from application.notifier.service_watch import ServiceWatch
from application.ports.event_log import RecordedEvent
from domain.kernel.metadata import Metadata, component
from tests.integration.notifier.publishing import CLOCK, ME
from tests.world.notifications import composed
from tests.world.world import World

APPLIER = replace(ME, id="watcher-applier/ctl-1/1", name="watcher-applier")


def watch(world: World) -> ServiceWatch:
    """What a notifier runs."""
    metadata = Metadata(component("notifier"))
    return ServiceWatch(world.services, world.commands, metadata, interval=1.0, clock=CLOCK)


def topics(world: World) -> list[str]:
    """The topics of the events of services."""
    return [one.topic for one in world.log.read(0, 100) if isinstance(one, RecordedEvent)]


def changes(world: World) -> list[tuple[str, str]]:
    """The changes that are notified."""
    found = [one.payload["watcher_object.data"]["status_update"] for one in composed(world.log)]
    told = [one["watcher_object.data"] for one in found]
    return [(one["old_state"], one["state"]) for one in told]


def test_a_service_that_stops_and_returns_is_recorded_each_time(world: World) -> None:
    looks = watch(world)
    world.services.beat(APPLIER)
    looks.look()
    assert topics(world) == ["service.seen"]
    world.services.retire(APPLIER.id)
    for _ in range(3):
        looks.look()
    world.services.beat(APPLIER)
    for _ in range(3):
        looks.look()
    assert changes(world) == [("ACTIVE", "FAILED"), ("FAILED", "ACTIVE")]


def test_a_restart_between_two_looks_is_no_failure(world: World) -> None:
    looks = watch(world)
    world.services.beat(APPLIER)
    looks.look()
    world.services.retire(APPLIER.id)
    looks.look()
    world.services.beat(replace(APPLIER, id="watcher-applier/ctl-1/2"))
    looks.look()
    world.services.retire("watcher-applier/ctl-1/2")
    looks.look()
    assert changes(world) == []


def test_of_two_notifiers_one_records_a_change(world: World) -> None:
    both = watch(world), watch(world)
    world.services.beat(APPLIER)
    for one in both:
        one.look()
    world.services.retire(APPLIER.id)
    for one in (*both, *both):
        one.look()
    assert changes(world) == [("ACTIVE", "FAILED")]


def test_a_failure_while_no_notifier_ran_is_recorded_by_the_next_one(world: World) -> None:
    world.services.beat(APPLIER)
    watch(world).look()
    world.services.retire(APPLIER.id)
    successor = watch(world)
    successor.look()
    successor.look()
    assert changes(world) == [("ACTIVE", "FAILED")]
