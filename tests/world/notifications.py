"""Notifications of a log, and a transport in memory that keeps what it delivers."""

from collections.abc import Sequence

from application.notifier.composer import Composer
from application.notifier.objects import PassingObjects
from application.ports.event_log import ReadOnlyLog, RecordedEvent
from application.ports.notifier import Notification, Refuse, TransportUnavailable
from infrastructure.cron import next_match


def composer(log: ReadOnlyLog, *, level: str = "info", budget: int = 20_000) -> Composer:
    """What a notifier on ``host-1`` uses."""
    return Composer(PassingObjects(log, next_match, budget=budget), "infra-optim:host-1", level)


def composed(
    log: ReadOnlyLog, *, after: int = 0, level: str = "info", budget: int = 20_000
) -> list[Notification]:
    """The notifications of all events after a position."""
    made = composer(log, level=level, budget=budget)
    return [
        notification
        for entry in log.read(after, 100_000)
        if isinstance(entry, RecordedEvent)
        for notification in made.compose(entry)
    ]


class ReferenceTransport:
    """Delivers to a list.

    Attributes:
        delivered: everything, also what was delivered twice.
        away: whether it is unavailable.
        refused: event types that its consumer refuses.
        batches: sizes of the batches.
    """

    def __init__(self, name: str = "reference") -> None:
        self.name = name
        self.delivered: list[Notification] = []
        self.refused: set[str] = set()
        self.away = False
        self.batches: list[int] = []
        self.closed = False

    def send(self, notifications: Sequence[Notification], refuse: Refuse) -> None:
        self.batches.append(len(notifications))
        for one in notifications:
            if self.away:
                raise TransportUnavailable("away")
            if one.event_type in self.refused:
                refuse(one, 1, "refused")
            else:
                self.delivered.append(one)

    def close(self) -> None:
        self.closed = True
