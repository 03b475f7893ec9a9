"""A notifier follows the log: nothing is lost, order is kept, nothing holds up the rest."""

from application.notifier.publisher import BATCH, PER_EVENT
from application.notifier.resending import Resender
from application.ports.event_log import Entry, EventLogUnavailable, MalformedEntry
from infrastructure.event_log import SqlEventLog
from tests.given import context
from tests.integration.notifier.publishing import ME, OTHER, Notifier, until
from tests.unit.notifier import lives
from tests.world.notifications import ReferenceTransport, composed, composer
from tests.world.world import World


def test_everything_after_the_position_is_sent_in_order(world: World) -> None:
    lives.every_life(world.log)
    wanted = composed(world.log)
    transport = ReferenceTransport()
    notifier = Notifier(world, transport)
    notifier.start_at(0)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
        lives.audit(world.log, 99)
        until(lambda: len(transport.delivered) > len(wanted), "a new event is sent")
    assert transport.delivered[: len(wanted)] == wanted
    assert transport.delivered[-1].event_type == "audit.create"
    assert transport.closed
    assert notifier.totals() == {"sent": len(transport.delivered)}


def test_a_transport_that_is_new_starts_at_the_end_of_the_log(world: World) -> None:
    lives.every_life(world.log)
    end = world.log.end()
    transport = ReferenceTransport()
    notifier = Notifier(world, transport)
    with notifier.working():
        until(lambda: notifier.position() == end, "it starts at the end")
        lives.audit(world.log, 99)
        until(lambda: transport.delivered, "what comes after is sent")
    assert [one.event_type for one in transport.delivered] == ["audit.create"]


def test_a_notifier_that_starts_again_continues_where_it_was(world: World) -> None:
    lives.catalogue(world.log)
    transport = ReferenceTransport()
    notifier = Notifier(world, transport)
    notifier.start_at(0)
    for number in (1, 2):
        lives.executed(world.log, number, None)
        with Notifier(world, transport).working():
            until(lambda: notifier.position() == world.log.end(), "all events have passed")
    assert transport.delivered == composed(world.log)


def test_while_a_transport_is_away_nothing_is_lost_and_the_position_stands_still(
    world: World,
) -> None:
    transport = ReferenceTransport()
    notifier = Notifier(world, transport)
    notifier.start_at(0)
    lives.executed(world.log, 1, None)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
        stands_at = notifier.position()
        transport.away = True
        lives.executed(world.log, 2, None, lives.FAILED)
        tried = len(transport.batches)
        until(lambda: len(transport.batches) > tried + 1, "it tries again")
        assert notifier.position() == stands_at
        transport.away = False
        until(lambda: notifier.position() == world.log.end(), "it catches up")
    assert transport.delivered == composed(world.log)


def test_a_large_event_is_sent_in_batches_and_passed_as_a_whole(world: World) -> None:
    lives.plan(world.log, 1, actions=3 * BATCH)
    transport = ReferenceTransport()
    notifier = Notifier(world, transport)
    notifier.start_at(0)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
    assert transport.delivered == composed(world.log)
    assert max(transport.batches) == BATCH


def test_of_two_notifiers_one_serves_a_transport_until_it_stops(world: World) -> None:
    first, second = ReferenceTransport(), ReferenceTransport()
    serving, waiting = Notifier(world, first), Notifier(world, second, me=OTHER)
    serving.start_at(0)
    with waiting.working():
        with serving.working():
            lives.executed(world.log, 1, None)
            until(lambda: serving.position() == world.log.end(), "the first one sends")
        assert second.delivered == []
        world.services.retire(ME.id)
        lives.executed(world.log, 2, None)
        until(lambda: serving.position() == world.log.end(), "the second one takes over")
    assert [*first.delivered, *second.delivered] == composed(world.log)


def test_a_notifier_that_lost_its_claim_does_not_move_the_position(world: World) -> None:
    transport = ReferenceTransport()
    notifier = Notifier(world, transport)
    notifier.start_at(0)
    lives.executed(world.log, 1, None)
    world.services.beat(OTHER)
    transport.away = True
    with notifier.working():
        until(lambda: transport.batches, "it tries to send")
        assert notifier.positions.claim(transport.name, OTHER.id, ME.id)
        transport.away = False
        lives.executed(world.log, 2, None)
    assert notifier.position() == 0


class Damaged:
    """A log in which some entries cannot be read, or which fails at first.

    Attributes:
        bad: positions of the entries.
        outages: further reads that fail.
    """

    def __init__(self, log: SqlEventLog, *bad: int) -> None:
        self._log = log
        self.bad = bad
        self.outages = 0

    def read(self, after: int, limit: int) -> list[Entry]:
        if self.outages:
            self.outages -= 1
            raise EventLogUnavailable("away")
        return [self._damaged(one) for one in self._log.read(after, limit)]

    def history(self, *args: object) -> list[Entry]:
        return [self._damaged(one) for one in self._log.history(*args)]  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def _damaged(self, entry: Entry) -> Entry:
        if entry.position not in self.bad:
            return entry
        event = getattr(entry, "event", None)
        version = event.originator_version if event else 0
        place = entry.position, entry.aggregate_id, version, entry.topic
        return MalformedEntry(*place, "no JSON", b"{")


def test_an_event_that_cannot_be_read_is_set_aside_and_holds_up_nothing(world: World) -> None:
    lives.executed(world.log, 1, None)
    bad = next(one.position for one in world.log.read(0, 99) if one.topic == "plan.launched")
    log = Damaged(world.log, bad)
    transport = ReferenceTransport()
    notifier = Notifier(world, transport, log=log)  # type: ignore[arg-type]
    notifier.start_at(0)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
    (given_up,) = notifier.board.rows()
    assert (given_up.consumer, given_up.subject) == (transport.name, "plan.launched")
    assert given_up.sequence // PER_EVENT == bad
    sent = {one.position for one in transport.delivered}
    assert sent == {one.position for one in composed(world.log)} - {bad}
    assert notifier.totals()["quarantined"] == 1


def test_events_of_an_object_whose_birth_cannot_be_read_are_set_aside_one_by_one(
    world: World,
) -> None:
    broken = lives.audit(world.log, 1)
    healthy = lives.audit(world.log, 2)
    birth = next(one for one in world.log.read(0, 99) if one.aggregate_id == broken.id)
    transport = ReferenceTransport()
    notifier = Notifier(world, transport, log=Damaged(world.log, birth.position))  # type: ignore[arg-type]
    notifier.start_at(0)
    broken.change(context(9), {"name": "x"})
    world.log.save(broken)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
    assert {one.about for one in transport.delivered} == {healthy.id}
    assert [one.subject for one in notifier.board.rows()] == ["audit.changed", "audit.requested"]


def test_an_outage_of_the_log_delays_and_loses_nothing(world: World) -> None:
    lives.executed(world.log, 1, None)
    log = Damaged(world.log)
    log.outages = 2
    transport = ReferenceTransport()
    notifier = Notifier(world, transport, log=log)  # type: ignore[arg-type]
    notifier.start_at(0)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
    assert transport.delivered == composed(world.log)


def test_what_a_consumer_refuses_is_given_up_and_can_be_sent_again(world: World) -> None:
    lives.executed(world.log, 1, None)
    transport = ReferenceTransport()
    transport.refused = {"action.create", "audit.update"}
    notifier = Notifier(world, transport)
    notifier.start_at(0)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
    refused = [one for one in composed(world.log) if one.event_type in transport.refused]
    assert len(notifier.board.rows()) == len(refused) == notifier.totals()["refused"]

    transport.delivered.clear()
    transport.refused = {"audit.update"}
    resender = Resender(world.log, lambda: composer(world.log), notifier.board)
    problems = [problem for _, problem in resender.resend(transport)]
    assert sorted(map(str, problems)) == ["None", "refused", "refused"]
    assert transport.delivered == [one for one in refused if one.event_type == "action.create"]
    transport.refused = set()
    assert [problem for _, problem in resender.resend(transport)] == [None, None]
    assert notifier.board.rows() == []


def test_an_event_that_could_not_be_composed_is_sent_as_a_whole_later(world: World) -> None:
    lives.executed(world.log, 1, None)
    bad = next(one.position for one in world.log.read(0, 99) if one.topic == "plan.claimed")
    transport = ReferenceTransport()
    notifier = Notifier(world, transport, log=Damaged(world.log, bad))  # type: ignore[arg-type]
    notifier.start_at(0)
    with notifier.working():
        until(lambda: notifier.position() == world.log.end(), "all events have passed")
    transport.delivered.clear()
    resender = Resender(world.log, lambda: composer(world.log), notifier.board)
    assert [problem for _, problem in resender.resend(transport)] == [None]
    assert [one.event_type for one in transport.delivered] == [
        "action_plan.update",
        "action_plan.execution.start",
    ]
