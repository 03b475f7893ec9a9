"""Composes the notifications of an event."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from application.notifier.objects import PassingObjects
from application.notifier.payloads import Subject
from application.notifier.types import RULES, TYPES, About, Rule, Situation
from application.ports.event_log import Entry, RecordedEvent
from application.ports.notifier import Notification, Priority
from application.ports.projections import Row
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDITS, GOALS, STRATEGIES
from application.replay.aggregate_fold import AggregateRows
from domain.kernel.ids import CATALOGUE_ID, notification_id
from domain.plans.action import ActionState
from domain.services.events import ServiceSeen, ServiceStateChanged

_RULES = {str(vars(kind)["TOPIC"]): rules for kind, rules in RULES.items()}
LEVELS = {
    "debug": frozenset(Priority),
    "info": frozenset(Priority),
    "warning": frozenset({Priority.WARN, Priority.ERROR}),
    "error": frozenset({Priority.ERROR}),
    "critical": frozenset[Priority](),
}
"""Level → the priorities that are sent."""


class Composer:
    """Composes notifications of the events of a log, which must be passed in order.

    Args:
        objects: the objects that they show.
        publisher_id: of this process.
        level: one of ``LEVELS``.
    """

    def __init__(self, objects: PassingObjects, publisher_id: str, level: str) -> None:
        self._objects = objects
        self._publisher_id = publisher_id
        self._sent = LEVELS[level]

    def forget(self) -> None:
        """The next event may be any of the log."""
        self._objects.forget()

    def follows(self, entry: Entry) -> bool:
        """Whether an event changes an object that notifications show."""
        return self._objects.follows(entry) or entry.topic in _RULES

    def compose(self, event: RecordedEvent) -> Iterator[Notification]:
        """The notifications of the next event, none for most types of events.

        Raises:
            EventLogUnavailable: the log cannot be read; call ``forget`` before the next event.
            Exception: the event is no change of its object.
        """
        if not self.follows(event):
            return
        change = self._change(event)
        number = 0
        for rule in _RULES.get(event.topic, ()):
            if not rule.when(change.situation):
                continue
            kind = TYPES[rule.event_type]
            for about, subject in change.subjects(rule):
                priority = kind.priority(subject)
                if priority in self._sent:
                    yield Notification(
                        message_id=notification_id(
                            event.position, rule.event_type, about, event.event.timestamp
                        ),
                        position=event.position,
                        number=number,
                        event_type=rule.event_type,
                        priority=priority,
                        publisher_id=self._publisher_id,
                        at=event.event.timestamp,
                        about=about,
                        payload=kind.payload.of(subject),
                    )
                number += 1

    def _change(self, event: RecordedEvent) -> "_Change | _ServiceChange":
        if isinstance(event.event, ServiceSeen | ServiceStateChanged):
            return _ServiceChange(event.event)
        return _Change(self._objects, event)


class _ServiceChange:
    """An event of a service, which has all that its notification shows."""

    def __init__(self, event: ServiceSeen | ServiceStateChanged) -> None:
        self.situation = Situation(event, before=None, action=None)
        self._event = event

    def subjects(self, _: Rule) -> Iterator[tuple[UUID, Subject]]:
        """The service, with its uuid."""
        yield self._event.originator_id, Subject(vars(self._event))


class _Change:
    """An event and its object before and after it. Creating it applies the event."""

    def __init__(self, objects: PassingObjects, event: RecordedEvent) -> None:
        self._objects = objects
        self._event = event
        self._table = AUDITS.name if event.topic.startswith("audit.") else ACTION_PLANS.name
        self._action: UUID | None = getattr(event.event, "action_id", None)
        rows = objects.before(event)
        self.situation = Situation(
            event.event,
            before=_copied(rows, self._table, event.aggregate_id),
            action=None if self._action is None else _copied(rows, ACTIONS.name, self._action),
        )
        self._rows = objects.after(event)

    def subjects(self, rule: Rule) -> Iterator[tuple[UUID, Subject]]:
        """The objects that a rule's notifications are about, with their uuids."""
        if rule.about is About.ITSELF:
            yield self._event.aggregate_id, self._as_ruled(self._itself(), rule)
            return
        plan = self._plan(self._rows.row(self._table, self._event.aggregate_id))
        if rule.about is About.ACTION and self._action is not None:
            row = self._rows.row(ACTIONS.name, self._action)
            action = _action(row, self.situation.action, plan)
            yield self._action, self._as_ruled(action, rule)
            return
        for row in self._rows.all(ACTIONS.name):
            yield row["uuid"], _action(row, None, plan)

    def _itself(self) -> Subject:
        row = self._rows.row(self._table, self._event.aggregate_id)
        subject = self._audit(row) if self._table == AUDITS.name else self._plan(row)
        return replace(subject, before=self.situation.before)

    def _as_ruled(self, subject: Subject, rule: Rule) -> Subject:
        if TYPES[rule.event_type].is_error:
            because = getattr(self._event.event, "because", None)
            subject = replace(subject, topic=self._event.topic, because=because)
        return subject.earlier() if rule.shows_before else subject

    def _audit(self, row: Row) -> Subject:
        goal = self._listed(GOALS.name, row["goal_uuid"], row["goal_name"])
        return Subject(row, goal=goal, strategy=self._strategy(row))

    def _plan(self, row: Row) -> Subject:
        audit_id = row["audit_uuid"]
        audit = self._objects.row(audit_id, AUDITS.name, audit_id, self._event.position)
        shown = None if audit is None else Subject(audit)
        return Subject(row, audit=shown, strategy=self._strategy(row))

    def _strategy(self, row: Row) -> Subject | None:
        if row["strategy_uuid"] is None:
            return None
        return self._listed(STRATEGIES.name, row["strategy_uuid"], row["strategy_name"])

    def _listed(self, table: str, uuid: UUID, name: str) -> Subject:
        """A goal or strategy; one that was never registered has only a name."""
        row = self._objects.row(CATALOGUE_ID, table, uuid, self._event.position)
        if row is None:
            times = dict.fromkeys(("created_at", "updated_at", "deleted_at"))
            details: Row = {"efficacy_specification": [], "parameters_spec": {}}
            row = {"uuid": uuid, "name": name, "display_name": name, **details, **times}
        return Subject(row)


def _action(row: Row, before: Row | None, plan: Subject) -> Subject:
    """An action; it is deleted with its plan."""
    deleted = {"deleted_at": plan.row["deleted_at"]}
    if deleted["deleted_at"] is not None:
        deleted["state"] = ActionState.DELETED
    earlier = None if before is None else {**before, "deleted_at": None}
    return Subject({**row, **deleted}, earlier, plan=plan)


def _copied(rows: AggregateRows, table: str, key: UUID) -> Row | None:
    row = rows.get(table, key)
    return None if row is None else dict(row)
