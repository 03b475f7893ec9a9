"""Translates messages to facts. An invalid message does not affect the others of its batch."""

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
from infrastructure.notifications.envelope import (
    Notification,
    UnreadableNotification,
    read_envelope,
)

log = logging.getLogger(__name__)

_NOVA = re.compile(r"nova-.*")
_CINDER = re.compile(r"(volume|capacity|snapshot)[.:].*")
Outcomes = Counter[tuple[str, str]]
"""Number of messages by event type and outcome: ``read``, ``useless`` (about nothing that a model
holds, or of an unknown publisher), ``unreadable``. Only messages that were read count under their
own event type, because the number of other types is unlimited."""
OTHERS = "other"
"""Event type of all other messages."""
Quarantine = Callable[[str, str, str], None]
"""Stores a message that cannot be used: event type, message id, error."""


@dataclass
class _Batch:
    compute: list[ComputeFact] = field(default_factory=list)
    storage: list[StorageFact] = field(default_factory=list)
    unclear: dict[ModelKind, list[Cause]] = field(default_factory=dict)

    def add(self, found: ComputeFact | StorageFact | Cause, kind: ModelKind) -> None:
        if isinstance(found, Cause):
            self.unclear.setdefault(kind, []).append(found)
        elif isinstance(found, PoolFact | VolumeFact):
            self.storage.append(found)
        else:
            self.compute.append(found)

    def built(self) -> NotificationBatch:
        return NotificationBatch(
            ComputeFacts.of(self.compute),
            StorageFacts.of(self.storage),
            {kind: tuple(reasons) for kind, reasons in self.unclear.items()},
        )


class Translator:
    """Translates messages. Remembers whether Nova sends ``instance.update`` (see ``nova``).

    Args:
        quarantine: stores each message that cannot be read.
    """

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self._has_updates = False

    @property
    def has_updates(self) -> bool:
        """Whether Nova reports each change of a server, also in the middle of an operation."""
        return self._has_updates

    def read(self, bodies: Iterable[object]) -> tuple[NotificationBatch, Outcomes]:
        """Returns the facts of some messages, and the outcome of each message."""
        batch = _Batch()
        outcomes = Outcomes(self._read(body, batch) for body in bodies)
        return batch.built(), outcomes

    def _read(self, body: object, batch: _Batch) -> tuple[str, str]:
        try:
            notification = read_envelope(body)
            found = list(self._facts(notification))
        except UnreadableNotification as error:
            self._set_aside(body, str(error))
            return OTHERS, "unreadable"
        except Exception as error:  # the error concerns this message only
            log.exception("a notification cannot be read")
            self._set_aside(body, f"{type(error).__name__}: {error}")
            return OTHERS, "unreadable"
        for each, kind in found:
            batch.add(each, kind)
        return (notification.event, "read") if found else (OTHERS, "useless")

    def _facts(
        self, notification: Notification
    ) -> Iterable[tuple[ComputeFact | StorageFact | Cause, ModelKind]]:
        if _NOVA.fullmatch(notification.publisher) and nova.is_versioned(notification):
            if notification.event == nova.UPDATE:
                self._has_updates = True
            elif self._has_updates and notification.event in nova.ENDED:
                return  # an instance.update has reported it already
            for fact in nova.read_nova(notification):
                yield fact, ModelKind.COMPUTE
        elif _CINDER.fullmatch(notification.publisher):
            for change in cinder.read_cinder(notification):
                yield change, ModelKind.STORAGE

    def _set_aside(self, body: object, error: str) -> None:
        known = body if isinstance(body, Mapping) else {}
        event, message = (str(known.get(name) or "?") for name in ("event_type", "message_id"))
        log.warning("notification %s (%s) is invalid: %s", event, message, error)
        self._quarantine(event, message, error)
