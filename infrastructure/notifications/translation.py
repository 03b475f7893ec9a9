"""From messages to facts: one bad message is set aside, the others are used."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from application.ports.notifications import NotificationBatch
from domain.cluster.kinds import ModelKind
from domain.cluster_models.amendments import (
    ComputeFact,
    ComputeFacts,
    PoolFact,
    StorageFact,
    StorageFacts,
    VolumeFact,
)
from domain.kernel.reasons import Cause
from infrastructure.notifications import cinder, nova
from infrastructure.notifications.envelope import Notification, UnreadableNotification, notification

log = logging.getLogger(__name__)

_NOVA = re.compile(r"nova-.*")
_CINDER = re.compile(r"(volume|capacity|snapshot)[.:].*")
Outcomes = Counter[tuple[str, str]]
"""How many messages of an event type came to what: ``read``, ``useless`` (about nothing that a
model holds, or told by nobody known), ``unreadable``. The type is told of those that were read:
what others send has names without end."""
OTHERS = "other"
"""Event type of all others."""
Quarantine = Callable[[str, str, str], None]
"""Notes a message that cannot be read: event type, message id, what is wrong with it."""


@dataclass
class _Batch:
    compute: list[ComputeFact] = field(default_factory=list)
    storage: list[StorageFact] = field(default_factory=list)
    unclear: dict[ModelKind, list[Cause]] = field(default_factory=dict)

    def add(self, what: ComputeFact | StorageFact | Cause, kind: ModelKind) -> None:
        if isinstance(what, Cause):
            self.unclear.setdefault(kind, []).append(what)
        elif isinstance(what, PoolFact | VolumeFact):
            self.storage.append(what)
        else:
            self.compute.append(what)

    def told(self) -> NotificationBatch:
        return NotificationBatch(
            ComputeFacts.of(self.compute),
            StorageFacts.of(self.storage),
            {kind: tuple(reasons) for kind, reasons in self.unclear.items()},
        )


class Translator:
    """Reads messages. Remembers whether Nova tells of every change (see ``nova``).

    Args:
        quarantine: is told of each message that cannot be read.
    """

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self._every_change = False

    def read(self, bodies: Iterable[object]) -> tuple[NotificationBatch, Outcomes]:
        """What some messages tell, and what became of each.

        Those that cannot be read, or are useless, tell nothing.
        """
        batch = _Batch()
        outcomes = Outcomes(self._read(body, batch) for body in bodies)
        return batch.told(), outcomes

    def _read(self, body: object, batch: _Batch) -> tuple[str, str]:
        try:
            told = notification(body)
            found = list(self._facts(told))
        except UnreadableNotification as error:
            self._set_aside(body, str(error))
            return OTHERS, "unreadable"
        except Exception as error:  # whatever it is, it concerns this message only
            log.exception("a notification could not be read")
            self._set_aside(body, f"{type(error).__name__}: {error}")
            return OTHERS, "unreadable"
        for what, kind in found:
            batch.add(what, kind)
        return (told.event, "read") if found else (OTHERS, "useless")

    def _facts(
        self, told: Notification
    ) -> Iterable[tuple[ComputeFact | StorageFact | Cause, ModelKind]]:
        if _NOVA.fullmatch(told.publisher) and nova.is_versioned(told):
            if told.event == nova.UPDATE:
                self._every_change = True
            elif self._every_change and told.event in nova.ENDED:
                return  # told already, and better
            for what in nova.read_nova(told):
                yield what, ModelKind.COMPUTE
        elif _CINDER.fullmatch(told.publisher):
            for change in cinder.read_cinder(told):
                yield change, ModelKind.STORAGE

    def _set_aside(self, body: object, error: str) -> None:
        known = body if isinstance(body, Mapping) else {}
        event, message = (str(known.get(name) or "?") for name in ("event_type", "message_id"))
        log.warning("the notification %s (%s) is set aside: %s", event, message, error)
        self._quarantine(event, message, error)
