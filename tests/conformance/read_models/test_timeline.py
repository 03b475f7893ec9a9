from application.ports.read_models import EventFilter, TimelineView
from domain.audits.events import AuditState
from domain.kernel.metadata import Context, Metadata, component
from tests.conformance.read_models.test_audits import request
from tests.given import NOON, context, ident
from tests.world.histories import RandomHistory
from tests.world.world import World


def told(world: World) -> None:
    audit = request()
    world.log.save(audit)
    engine = Context(NOON, Metadata(component("watcher-decision-engine", "de/1"), causation=2))
    audit.claim_run(engine, audit.run.id if audit.run else ident(0), "de/1", "ctl-1")
    world.log.save(audit)
    other = request(2)
    other.move(context(9), AuditState.CANCELLED)
    world.save(other)


def topics(rows: list[TimelineView]) -> list[str]:
    return [row.topic for row in rows]


def test_every_event_is_a_sentence_with_its_provenance(world: World) -> None:
    told(world)
    first, second, third, *_ = world.reads.timeline()
    assert first.summary == (
        "Audit 'audit 1' requested (oneshot, goal server_consolidation, strategy basic)."
    )
    assert (first.position, first.at, first.version) == (1, context(1).at, 1)
    assert (first.aggregate_id, first.topic) == (ident(1), "audit.requested")
    assert (first.actor, first.actor_kind, first.request_id) == ("admin", "user", "req-1")
    assert (first.correlation_id, first.causation) == (None, None)
    assert second.summary == "Run 1 requested, due 2026-11-24T12:00:01+00:00 (created)."
    assert third.summary == "Run started by de/1 (epoch 1)."
    assert (third.actor, third.actor_kind) == ("watcher-decision-engine", "component")
    assert (third.correlation_id, third.causation) == (second.correlation_id, 2)


def test_the_timeline_is_complete_and_in_order(world: World) -> None:
    for touched in RandomHistory(3).saves(120):
        world.log.save(*touched)
    world.new_projector().catch_up()
    entries = world.log.read(0, 10_000)
    rows = world.reads.timeline(limit=10_000)
    assert [(row.position, row.topic) for row in rows] == [(e.position, e.topic) for e in entries]


def test_the_timeline_is_followed_from_a_position(world: World) -> None:
    told(world)
    rows = world.reads.timeline()
    assert world.reads.timeline(after=rows[2].position) == rows[3:]
    assert world.reads.timeline(after=rows[-1].position) == []
    assert world.reads.timeline(limit=2) == rows[:2]
    assert world.reads.timeline(limit=2, newest_first=True) == rows[:-3:-1]


def test_the_timeline_is_narrowed_to_aggregates_a_run_and_topics(world: World) -> None:
    told(world)
    of_first = world.reads.timeline(aggregate_ids=[ident(1)])
    assert topics(of_first) == ["audit.requested", "audit.run-requested", "audit.run-claimed"]
    run = of_first[-1].correlation_id
    assert topics(world.reads.timeline(correlation_id=run)) == [
        "audit.run-requested",
        "audit.run-claimed",
    ]
    assert topics(world.reads.timeline(topics=["audit.cancelled"])) == ["audit.cancelled"]
    both = world.reads.timeline(aggregate_ids=[ident(1), ident(2)], topics=["audit.requested"])
    assert [row.aggregate_id for row in both] == [ident(1), ident(2)]


def test_it_is_filtered_by_who_and_when(world: World) -> None:
    told(world)
    rows = world.reads.timeline()
    actor = rows[0].actor
    assert world.reads.timeline(only=EventFilter(actor=actor)) == [
        row for row in rows if row.actor == actor
    ]
    assert world.reads.timeline(only=EventFilter(actor="nobody")) == []
    middle = sorted(row.at for row in rows)[len(rows) // 2]
    since = world.reads.timeline(only=EventFilter(since=middle))
    until = world.reads.timeline(only=EventFilter(until=middle))
    assert since == [row for row in rows if row.at >= middle]
    assert until == [row for row in rows if row.at < middle]
    assert world.reads.timeline(only=EventFilter(since=middle, until=middle)) == []
