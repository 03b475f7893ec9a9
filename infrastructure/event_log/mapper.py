"""Events to and from their stored form: typed JSON, stable topics, upcasting.

The stored state is the event's own fields in their order of declaration; the aggregate's id and the
version are columns. ``class_version`` is stored from 2 on. To change the stored form of a class,
give it ``class_version = n + 1`` and a pure static method ``upcast_vn_vn+1(state)`` that changes
the plain dict of the older form in place.
"""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, get_type_hints

import msgspec
from eventsourcing.persistence import StoredEvent

from application.ports.event_log import UnreadableEvent
from domain.kernel.aggregate import Event

State = dict[str, Any]
"""A stored event as plain JSON data."""

_COLUMNS = frozenset({"originator_id", "originator_version"})
_VERSION = "class_version"
_MARK = _VERSION.encode()


class Unstorable(ValueError):
    """An event cannot be decoded from its stored form; it was not stored."""


class _Version(msgspec.Struct):
    class_version: Annotated[int, msgspec.Meta(ge=1)] = 1


_versions = msgspec.json.Decoder(_Version)
_plain = msgspec.json.Decoder(State)
_encoder = msgspec.json.Encoder()


class Codec:
    """The stored form of one event class."""

    def __init__(self, cls: type[Event]) -> None:
        hints = get_type_hints(cls)
        self._cls = cls
        self._names = [f.name for f in dataclasses.fields(cls) if f.name not in _COLUMNS]
        self._version: int = getattr(cls, _VERSION, 1)
        form = msgspec.defstruct(
            cls.__name__,
            [*((name, hints[name]) for name in self._names), (_VERSION, int, 1)],
            forbid_unknown_fields=True,
            gc=False,
        )
        self._form: type[msgspec.Struct] = form
        self._typed = msgspec.json.Decoder(form)

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
            raise Unstorable(f"{self._cls.__name__}: {error}") from error
        return stored

    def decode(self, stored: bytes) -> State:
        """The typed values of an event's fields.

        Raises:
            UnreadableEvent: the bytes are no such event, or their version is newer than this code.
        """
        try:
            version = _versions.decode(stored).class_version if _MARK in stored else 1
            if version > self._version:
                raise UnreadableEvent(
                    f"version {version} of the event is newer than this code, "
                    f"which knows version {self._version}"
                )
            if version == self._version:
                form = self._typed.decode(stored)
            else:
                form = msgspec.convert(self._upcast(_plain.decode(stored), version), self._form)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableEvent(str(error)) from error
        state: State = msgspec.structs.asdict(form)
        del state[_VERSION]
        return state

    def _upcast(self, state: State, version: int) -> State:
        state.pop(_VERSION, None)
        for older in range(version, self._version):
            try:
                getattr(self._cls, f"upcast_v{older}_v{older + 1}")(state)
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

    def to_event(self, row: StoredEvent) -> Event:
        """The event of a row.

        Raises:
            UnreadableEvent: the topic is not known, or the state is not an event of that topic.
        """
        cls = self._resolve(row.topic)
        if cls is None:
            raise UnreadableEvent(f"unknown topic {row.topic!r}")
        fields = self._codec(cls).decode(row.state)
        event = object.__new__(cls)  # typed by its decoder: the frozen constructor adds only time
        event.__dict__.update(
            originator_id=row.originator_id, originator_version=row.originator_version, **fields
        )
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
            codec = self._codecs[cls] = Codec(cls)
            return codec


def _utc(name: str, value: object) -> object:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise Unstorable(f"{name}: a time without a zone")
    return value.astimezone(UTC)
