"""What aggregates with long streams remembered at some version: folding goes on from there.

A snapshot is derived, like a read model: it may be thrown away at any time. It is used only where
the same code would fold the same history: it names the code that made it, and has the digest of
the last event that it contains.
"""

import dataclasses
import logging
import sys
import threading
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints
from uuid import UUID

import msgspec

from application.ports.event_log import EventLogUnavailable
from domain.kernel.aggregate import Aggregate
from infrastructure.event_log.retry import DatabaseRetryPolicy
from infrastructure.event_log.store import (
    SnapshotStore,
    StoredSnapshot,
    Unreachable,
    VersionConflict,
)

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Aggregate)

EVERY = 1000
"""Events folded on top of the last snapshot after which a new one is taken: some 10 ms of work."""


class SnapshotCodec:
    """What aggregates of a kind remember, to and from bytes.

    Args:
        kind: their class.

    Attributes:
        code: digest of the code that folds them: the modules beside the class.
    """

    def __init__(self, kind: type[Aggregate]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        self._names = [field.name for field in dataclasses.fields(cast("Any", kind))]
        types = msgspec.defstruct(
            kind.__name__, [(name, hints[name]) for name in self._names], forbid_unknown_fields=True
        )
        fields = [("created_on", datetime), ("modified_on", datetime), ("attributes", types)]
        form = msgspec.defstruct(kind.__name__, fields, forbid_unknown_fields=True)
        self._decoder = msgspec.json.Decoder(form)
        folder = Path(str(sys.modules[kind.__module__].__file__)).parent
        self.code = sha256(
            b"".join(p.read_bytes() for p in sorted(folder.glob("*.py")))
        ).hexdigest()

    def encode(self, aggregate: Aggregate) -> bytes:
        """The stored form.

        Raises:
            TypeError, ValueError, msgspec.MsgspecError: it would not come back as it is.
        """
        remembered = attributes(aggregate)
        times = {"created_on": aggregate.created_on, "modified_on": aggregate.modified_on}
        stored = msgspec.json.encode({**times, "attributes": remembered})
        if attributes(self.decode(stored, aggregate.id, aggregate.version)) != remembered:
            raise ValueError("it would not come back as it is")
        return stored

    def decode(self, stored: bytes, aggregate_id: UUID, version: int) -> Aggregate:
        """The aggregate.

        Raises:
            msgspec.MsgspecError: the bytes are of no such form.
        """
        form: Any = self._decoder.decode(stored)
        aggregate = object.__new__(self._kind)
        aggregate.__dict__.update(  # what the library keeps in it, as its own snapshots set it
            _id=aggregate_id,
            _version=version,
            _created_on=form.created_on,
            _modified_on=form.modified_on,
            _pending_events=[],
            **{name: getattr(form.attributes, name) for name in self._names},
        )
        return aggregate


def attributes(aggregate: Aggregate) -> dict[str, object]:
    """What an aggregate remembers, without what the library keeps in it."""
    return {name: value for name, value in vars(aggregate).items() if not name.startswith("_")}


class SnapshotService:
    """Takes snapshots, never within a command, and finds them. Any thread may call it.

    Args:
        store: where they and the events lie.
        patience: how long a database that does not answer is asked again.
        every: events folded on top of the last snapshot after which the next one is taken.
    """

    def __init__(
        self, store: SnapshotStore, patience: DatabaseRetryPolicy, every: int = EVERY
    ) -> None:
        self._store = store
        self._patience = patience
        self._every = every
        self._forms: dict[type[Aggregate], SnapshotCodec | None] = {}
        self._writing = threading.Lock()

    def find(self, kind: type[A], aggregate_id: UUID, upto: int) -> A | None:
        """An aggregate as of its snapshot; None if there is none that can be used.

        Args:
            kind: its class.
            aggregate_id: its id.
            upto: the latest version that may be in it.
        """
        form = self._form(kind)
        if form is None:
            return None
        found = self._patience.ask("find", lambda: self._store.snapshot(aggregate_id))
        if (
            found is None
            or found.version > upto
            or (found.topic, found.code)
            != (
                kind.TOPIC,
                form.code,
            )
        ):
            return None
        try:
            if self._fits(aggregate_id, found):
                return cast("A", form.decode(found.state, aggregate_id, found.version))
            log.error("the snapshot of %s is of another history: not used", aggregate_id)
        except msgspec.MsgspecError:
            log.exception("the snapshot of %s cannot be read: not used", aggregate_id)
        return None

    def offer(self, aggregate: Aggregate, event: bytes, folded: int) -> None:
        """Takes a snapshot if so much was folded that the next reader should not have to.

        It is stored beside what goes on here; if that fails, another reader will offer it again.

        Args:
            aggregate: as found, before anybody changes it.
            event: the stored form of its last event.
            folded: how many events were folded since the last snapshot.
        """
        form = self._form(type(aggregate))
        if form is None or folded < self._every:
            return
        try:
            state = form.encode(aggregate)
        except (TypeError, ValueError, msgspec.MsgspecError):
            log.exception("no snapshot of %s was taken", aggregate.id)
            return
        snapshot = StoredSnapshot(
            aggregate.id, aggregate.version, aggregate.TOPIC, form.code, _digest(event), state
        )
        threading.Thread(
            target=self._keep, args=(snapshot,), name="event-log-snapshot", daemon=True
        ).start()

    def _keep(self, snapshot: StoredSnapshot) -> None:
        with self._writing:
            try:
                self._patience.ask_once("keep a snapshot", lambda: self._store.keep(snapshot))
            except (Unreachable, VersionConflict, EventLogUnavailable) as error:
                log.info("the snapshot of %s was not stored: %s", snapshot.aggregate_id, error)

    def _fits(self, aggregate_id: UUID, snapshot: StoredSnapshot) -> bool:
        """Whether the last event in a snapshot is the one that is stored."""
        version = snapshot.version
        rows = self._patience.ask(
            "find", lambda: self._store.stream(aggregate_id, version - 1, version)
        )
        return [_digest(row.state) for row in rows] == [snapshot.event]

    def _form(self, kind: type[Aggregate]) -> SnapshotCodec | None:
        if kind not in self._forms:
            self._forms[kind] = SnapshotCodec(kind) if kind.SNAPSHOTS else None
        return self._forms[kind]


def _digest(state: bytes) -> str:
    return sha256(state).hexdigest()
