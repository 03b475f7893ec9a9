"""Events to and from their stored form: typed JSON, stable topics, upcasting.

The stored state is the event's own fields in their order of declaration; the aggregate's id and the
version are columns. ``class_version`` is stored from 2 on. To change the stored form of a class,
give it ``class_version = n + 1`` and a pure static method ``upcast_vn_vn+1(state)`` that changes
the plain dict of the older form in place.
"""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.persistence import StoredEvent

from application.ports.event_log import UnreadableEvent
from domain.kernel.aggregate import Event
from domain.kernel.metadata import Actor, Metadata
from infrastructure.event_log.store import EventRow

T = TypeVar("T")
State = dict[str, Any]
"""A stored event as plain JSON data."""

_COLUMNS = frozenset({"originator_id", "originator_version"})
_METADATA = "metadata"
_VERSION = "class_version"
_MARK = _VERSION.encode()


class Unstorable(ValueError):
    """An event cannot be decoded from its stored form; it was not stored."""


class _Version(msgspec.Struct):
    class_version: Annotated[int, msgspec.Meta(ge=1)] = 1


_versions = msgspec.json.Decoder(_Version)
_plain = msgspec.json.Decoder(State)
_encoder = msgspec.json.Encoder()
_as_dict = msgspec.structs.asdict
_set = object.__setattr__


class _MetadataForm(msgspec.Struct, gc=False):
    actor: msgspec.Raw
    request_id: str | None = None
    correlation_id: UUID | None = None
    causation: int | None = None


class MetadataReader:
    """Decodes metadata; events that follow each other mostly have the same, or the same actor."""

    KEPT = 5000
    """Decoded values that are kept."""

    def __init__(self) -> None:
        self._form = msgspec.json.Decoder(_MetadataForm)
        self._actor = msgspec.json.Decoder(Actor)
        self._known: dict[bytes, Metadata] = {}
        self._actors: dict[bytes, Actor] = {}

    def read(self, raw: msgspec.Raw) -> Metadata:
        """The metadata.

        Raises:
            msgspec.MsgspecError: it is none.
        """
        stored = bytes(raw)
        found = self._known.get(stored)
        if found is None:
            form = self._form.decode(stored)
            who = bytes(form.actor)
            actor = self._actors.get(who)
            if actor is None:
                actor = _kept(self._actors, who, self._actor.decode(who), self.KEPT)
            metadata = Metadata(actor, form.request_id, form.correlation_id, form.causation)
            found = _kept(self._known, stored, metadata, self.KEPT)
        return found


def _kept(known: dict[bytes, T], key: bytes, value: T, most: int) -> T:
    if len(known) >= most:
        known.clear()
    known[key] = value
    return value


class Codec:
    """The stored form of one event class."""

    def __init__(self, cls: type[Event], metadata: MetadataReader) -> None:
        hints = get_type_hints(cls)
        self._metadata = metadata
        self.cls = cls
        self._names = [f.name for f in dataclasses.fields(cls) if f.name not in _COLUMNS]
        self._version: int = getattr(cls, _VERSION, 1)
        self._form = self._struct(hints)
        self._typed = msgspec.json.Decoder(self._form)
        self._fast = msgspec.json.Decoder(self._struct({**hints, _METADATA: msgspec.Raw}))

    def _struct(self, hints: dict[str, Any]) -> type[msgspec.Struct]:
        hints = {**hints, "timestamp": Annotated[datetime, msgspec.Meta(tz=True)]}
        return msgspec.defstruct(
            self.cls.__name__,
            [*((name, hints[name]) for name in self._names), (_VERSION, int, 1)],
            forbid_unknown_fields=True,
            gc=False,
        )

    def encode(self, event: Event) -> bytes:
        """The stored form of an event.

        Raises:
            Unstorable: it cannot be decoded again.
        """
        state = {name: _utc(name, getattr(event, name)) for name in self._names}
        if self._version > 1:
            state[_VERSION] = self._version
        try:
            stored = _encoder.encode(state)
            self._typed.decode(stored)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            raise Unstorable(f"{self.cls.__name__}: {error}") from error
        return stored

    def decode(self, stored: bytes) -> State:
        """The typed values of an event's fields.

        Raises:
            UnreadableEvent: the bytes are no such event, or their version is newer than this code.
        """
        try:
            version = _versions.decode(stored).class_version if _MARK in stored else 1
            if version == self._version:
                state: State = _as_dict(self._fast.decode(stored))
                state[_METADATA] = self._metadata.read(state[_METADATA])
            elif version > self._version:
                raise UnreadableEvent(
                    f"version {version} of the event is newer than this code, "
                    f"which knows version {self._version}"
                )
            else:
                form = msgspec.convert(self._upcast(_plain.decode(stored), version), self._form)
                state = _as_dict(form)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableEvent(str(error)) from error
        del state[_VERSION]
        return state

    def _upcast(self, state: State, version: int) -> State:
        state.pop(_VERSION, None)
        for older in range(version, self._version):
            try:
                getattr(self.cls, f"upcast_v{older}_v{older + 1}")(state)
            except Exception as error:
                raise UnreadableEvent(
                    f"cannot be upcast from version {older} to {older + 1}: {error!r}"
                ) from error
        return state


class Mapper:
    """Turns events into rows and rows into events.

    Args:
        types: returns the event classes by topic; called again when a topic is not known yet.
    """

    def __init__(self, types: Callable[[], dict[str, type[Event]]]) -> None:
        self._types = types
        self._known: dict[str, type[Event]] = {}
        self._codecs: dict[type[Event], Codec] = {}
        self._by_topic: dict[str, Codec] = {}
        self._metadata = MetadataReader()

    def to_stored(self, event: Event) -> StoredEvent:
        """The row of an event.

        Raises:
            Unstorable: it cannot be decoded again, or its class has no topic of its own.
        """
        cls = type(event)
        topic = cls.__dict__.get("TOPIC")
        if topic is None:
            raise Unstorable(f"{cls.__name__} has no TOPIC")
        return StoredEvent(
            originator_id=event.originator_id,
            originator_version=event.originator_version,
            topic=topic,
            state=self._codec(cls).encode(event),
        )

    def to_event(self, row: StoredEvent | EventRow) -> Event:
        """The event of a row.

        Raises:
            UnreadableEvent: the topic is not known, or the state is not an event of that topic.
        """
        codec = self._by_topic.get(row.topic)
        if codec is None:
            cls = self._resolve(row.topic)
            if cls is None:
                raise UnreadableEvent(f"unknown topic {row.topic!r}")
            codec = self._by_topic[row.topic] = self._codec(cls)
        fields = codec.decode(row.state)
        fields["originator_id"] = row.originator_id
        fields["originator_version"] = row.originator_version
        event: Event = object.__new__(codec.cls)  # typed: the frozen constructor adds only time
        _set(event, "__dict__", fields)
        return event

    def unknown(self, topics: Iterable[str]) -> list[str]:
        """Those topics that no event class has."""
        return sorted(topic for topic in topics if self._resolve(topic) is None)

    def _resolve(self, topic: str) -> type[Event] | None:
        if topic not in self._known:
            self._known = self._types()
        return self._known.get(topic)

    def _codec(self, cls: type[Event]) -> Codec:
        try:
            return self._codecs[cls]
        except KeyError:
            codec = self._codecs[cls] = Codec(cls, self._metadata)
            return codec


def _utc(name: str, value: object) -> object:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise Unstorable(f"{name}: a time without a zone")
    return value.astimezone(UTC)
