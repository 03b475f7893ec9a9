"""Snapshots of aggregates with long streams, at which folding starts.

A snapshot is derived, like a read model: it may be deleted at any time. It is used only if the same
code would fold the same history: it holds a digest of the code that made it, and one of the last
event that it includes.
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
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.store import (
    EventStore,
    StoredSnapshot,
    Unreachable,
    VersionConflict,
)

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Aggregate)

EVERY = 1000
"""Events after the last snapshot until a new one is taken: folding them takes about 10 ms."""


class SnapshotCodec:
    """Encodes and decodes the attributes of aggregates of one class.

    Args:
        kind: the class.

    Attributes:
        code: digest of the code that folds them: the modules in the folder of the class.
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
            TypeError, ValueError, msgspec.MsgspecError: decoding it would give other attributes.
        """
        wanted = attributes(aggregate)
        times = {"created_on": aggregate.created_on, "modified_on": aggregate.modified_on}
        stored = msgspec.json.encode({**times, "attributes": wanted})
        if attributes(self.decode(stored, aggregate.id, aggregate.version)) != wanted:
            raise ValueError("decoding it gives other attributes")
        return stored

    def decode(self, stored: bytes, aggregate_id: UUID, version: int) -> Aggregate:
        """The aggregate.

        Raises:
            msgspec.MsgspecError: the bytes are of no such form.
        """
        form: Any = self._decoder.decode(stored)
        aggregate = object.__new__(self._kind)
        aggregate.__dict__.update(  # the library's attributes, as its own snapshots set them
            _id=aggregate_id,
            _version=version,
            _created_on=form.created_on,
            _modified_on=form.modified_on,
            _pending_events=[],
            **{name: getattr(form.attributes, name) for name in self._names},
        )
        return aggregate


def attributes(aggregate: Aggregate) -> dict[str, object]:
    """The attributes of an aggregate, without those of the library."""
    return {name: value for name, value in vars(aggregate).items() if not name.startswith("_")}


class SnapshotService:
    """Takes snapshots, never within a command, and finds them. Any thread may call it.

    Args:
        store: holds them and the events.
        queries: runs the queries, and retries them.
        every: events after the last snapshot until the next one is taken.
    """

    def __init__(self, store: EventStore, queries: QueryRunner, every: int = EVERY) -> None:
        self._store = store
        self._queries = queries
        self._every = every
        self._codecs: dict[type[Aggregate], SnapshotCodec | None] = {}
        self._writing = threading.Lock()

    def find(self, kind: type[A], aggregate_id: UUID, upto: int) -> A | None:
        """An aggregate as of its snapshot; None if it has no usable one.

        Args:
            kind: its class.
            aggregate_id: its id.
            upto: the latest version that may be in it.
        """
        codec = self._codec(kind)
        if codec is None:
            return None
        found = self._queries.run("find", lambda: self._store.snapshot(aggregate_id))
        if found is None or found.version > upto:
            return None
        if (found.topic, found.code) != (kind.TOPIC, codec.code):
            return None
        try:
            if self._fits(aggregate_id, found):
                return cast("A", codec.decode(found.state, aggregate_id, found.version))
            log.error("the snapshot of %s belongs to another history: not used", aggregate_id)
        except msgspec.MsgspecError:
            log.exception("the snapshot of %s cannot be read: not used", aggregate_id)
        return None

    def offer(self, aggregate: Aggregate, event: bytes, folded: int) -> None:
        """Takes a snapshot if enough events were folded, and stores it on another thread.

        If that fails, the next reader offers it again.

        Args:
            aggregate: as found, before it is changed.
            event: the stored form of its last event.
            folded: how many events were folded since the last snapshot.
        """
        codec = self._codec(type(aggregate))
        if codec is None or folded < self._every:
            return
        try:
            state = codec.encode(aggregate)
        except (TypeError, ValueError, msgspec.MsgspecError):
            log.exception("no snapshot of %s was taken", aggregate.id)
            return
        snapshot = StoredSnapshot(
            aggregate.id, aggregate.version, aggregate.TOPIC, codec.code, _digest(event), state
        )
        threading.Thread(
            target=self._save, args=(snapshot,), name="event-log-snapshot", daemon=True
        ).start()

    def _save(self, snapshot: StoredSnapshot) -> None:
        with self._writing:
            try:
                self._queries.run_once(
                    "save a snapshot", lambda: self._store.save_snapshot(snapshot)
                )
            except (Unreachable, VersionConflict, EventLogUnavailable) as error:
                log.info("the snapshot of %s was not stored: %s", snapshot.aggregate_id, error)
            except Exception:  # a later reader takes another one
                log.exception("the snapshot of %s was not stored", snapshot.aggregate_id)

    def _fits(self, aggregate_id: UUID, snapshot: StoredSnapshot) -> bool:
        """Whether the last event of a snapshot is the stored one."""
        version = snapshot.version
        rows = self._queries.run(
            "find", lambda: self._store.stream(aggregate_id, version - 1, version)
        )
        return [_digest(row.state) for row in rows] == [snapshot.event]

    def _codec(self, kind: type[Aggregate]) -> SnapshotCodec | None:
        if kind not in self._codecs:
            self._codecs[kind] = SnapshotCodec(kind) if kind.SNAPSHOTS else None
        return self._codecs[kind]


def _digest(state: bytes) -> str:
    return sha256(state).hexdigest()
