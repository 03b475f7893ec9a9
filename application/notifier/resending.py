"""Sends again what was given up, when its consumer or Vigil was mended."""

from collections.abc import Callable, Iterator

from application.notifier.composer import Composer
from application.notifier.publisher import PER_EVENT
from application.ports.event_log import MalformedEntry, ReadOnlyLog, UnreadableEvent
from application.ports.notifier import Notification, Transport, TransportUnavailable
from application.ports.poison import PoisonBoard, PoisonedMessage

MOST = 100_000
"""Notifications given up that one call sends again."""

Resent = tuple[PoisonedMessage, str | None]
"""What was given up, and why it could not be sent now; None: it was sent."""


class Resender:
    """Composes given-up notifications again from the log, and sends them.

    Args:
        log: the event log.
        compose: makes a composer.
        board: holds what was given up; what is sent is deleted from it.
    """

    def __init__(
        self, log: ReadOnlyLog, compose: Callable[[], Composer], board: PoisonBoard
    ) -> None:
        self._log = log
        self._compose = compose
        self._board = board

    def resend(self, transport: Transport) -> Iterator[Resent]:
        """Sends what a transport gave up, in the order of the log.

        Raises:
            StoreUnavailable, EventLogUnavailable: the database cannot be reached.
        """
        found = self._board.rows(MOST, consumer=transport.name)
        for one in sorted(found, key=lambda message: message.sequence):
            problem = self._send(transport, one)
            if problem is None:
                self._board.remove(one.consumer, one.sequence)
            yield one, problem

    def _send(self, transport: Transport, one: PoisonedMessage) -> str | None:
        problems: list[str] = []
        try:
            notifications = self._composed(one)
        except Exception as error:  # noqa: BLE001 - the others are sent
            return f"{type(error).__name__}: {error}"
        try:
            transport.send(notifications, lambda _, __, error: problems.append(error))
        except TransportUnavailable as away:
            return str(away)
        return problems[0] if problems else None

    def _composed(self, one: PoisonedMessage) -> list[Notification]:
        """The notification; or all of an event that could not be composed before."""
        position, number = divmod(one.sequence, PER_EVENT)
        entry = next(iter(self._log.read(position - 1, 1)), None)
        if entry is None or entry.position != position:
            raise LookupError(f"the log has no event at {position}")
        if isinstance(entry, MalformedEntry):
            raise UnreadableEvent(entry.error)
        composed = self._compose().compose(entry)
        if one.subject == entry.topic:
            return list(composed)
        return [each for each in composed if each.number == number]
