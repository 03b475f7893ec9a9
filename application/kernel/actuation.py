"""Reads the actuation switch from the log, where a change shows at once."""

from dataclasses import dataclass
from datetime import datetime

from application.ports.event_log import MalformedEntry, ReadOnlyLog, UnreadableEvent
from domain.actuation import Actuation
from domain.kernel.ids import ACTUATION_ID
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class ActuationView:
    """The switch that stops all changes to the cloud; it is on until it is first used.

    Attributes:
        reason, by, at: of the latest change, None before the first.
        hold: why no action may begin, None while it is on.
    """

    is_on: bool = True
    reason: str | None = None
    by: str | None = None
    at: datetime | None = None
    hold: Cause | None = None


def actuation_view(log: ReadOnlyLog, upto: int | None = None) -> ActuationView:
    """The switch of the installation; as it was at the log position ``upto``, if that is given.

    Raises:
        UnreadableEvent: one of its events cannot be read; the state of the switch is unknown.
        EventLogUnavailable: the database cannot be reached.
    """
    found: Actuation | None = None
    for entry in log.history(ACTUATION_ID):
        if upto is not None and entry.position > upto:
            break
        if isinstance(entry, MalformedEntry):
            raise UnreadableEvent(f"actuation switch, version {entry.version}: {entry.error}")
        found = entry.event.mutate(found)
    if found is None:
        return ActuationView()
    return ActuationView(found.is_on, found.why, found.by, found.at, found.hold)
