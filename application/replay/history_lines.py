"""A history as JSON Lines: a head, an object per event, record and seal, and an end with counts.

The bytes of events and records are kept exactly, so hashes, seals and verifications hold in a copy.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec

from application.ports.seal import Seal, StoredEntry
from application.replay.history_items import Item, StoredContent

VERSION = 1
"""Of the format."""

Positive = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class HistoryHead(msgspec.Struct, tag="history", tag_field="kind", forbid_unknown_fields=True):
    """The first line.

    Attributes:
        version: of the format.
        of: what was exported, for readers.
        anonymised: whether names and ids were replaced.
    """

    version: int
    of: str
    anonymised: bool = False


class _Event(msgspec.Struct, tag="event", tag_field="kind", forbid_unknown_fields=True):
    """``state``: its text; ``raw``: its bytes in base 64, if they are no text."""

    position: Positive
    aggregate: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    version: Positive
    topic: str
    state: str | None = None
    raw: bytes | None = None


class _Record(msgspec.Struct, tag="record", tag_field="kind", forbid_unknown_fields=True):
    """``content`` and ``raw`` as the state of an event."""

    digest: Digest
    content: str | None = None
    raw: bytes | None = None


class _Seal(msgspec.Struct, tag="seal", tag_field="kind", forbid_unknown_fields=True):
    number: Positive
    statement: str
    signature: bytes
    leaves: bytes


class _End(msgspec.Struct, tag="end", tag_field="kind", forbid_unknown_fields=True):
    events: Count
    records: Count
    seals: Count


_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[HistoryHead | _Event | _Record | _Seal | _End] = (
    msgspec.json.Decoder(HistoryHead | _Event | _Record | _Seal | _End)
)


class BadHistoryFile(ValueError):
    """The file is no exported history. The message names the line and the rule."""


def to_lines(head: HistoryHead, items: Iterable[Item]) -> Iterator[bytes]:
    """The lines of a history."""
    yield _encode(head) + b"\n"
    counts = {StoredEntry: 0, StoredContent: 0, Seal: 0}
    for item in items:
        counts[type(item)] += 1
        yield _encode(_line(item)) + b"\n"
    yield _encode(_End(counts[StoredEntry], counts[StoredContent], counts[Seal])) + b"\n"


class HistoryReader:
    """Reads the lines of a history and checks them.

    Args:
        lines: of the file.

    Attributes:
        head: the first line.
        number: of the line that was read last.

    Raises:
        BadHistoryFile: the first line is no head, or of another version.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.number = 0
        self._lines = iter(lines)
        self._position = 0
        self._versions: dict[str, int] = {}
        self._counts: dict[type[Any], int] = {_Event: 0, _Record: 0, _Seal: 0}
        head = self._next()
        if not isinstance(head, HistoryHead):
            raise self._bad("the first line must be that of a history")
        if head.version != VERSION:
            raise self._bad(f"version {head.version} of the format; this code reads {VERSION}")
        self.head = head

    def items(self) -> Iterator[Item]:
        """The events, records and seals.

        Raises:
            BadHistoryFile: a line is none of these, events are missing or out of order, or the
                file has no end.
        """
        while not isinstance(line := self._next(), _End):
            if isinstance(line, HistoryHead):
                raise self._bad("a second head")
            self._counts[type(line)] += 1
            yield self._item(line)
        read = _End(self._counts[_Event], self._counts[_Record], self._counts[_Seal])
        if line != read:
            raise self._bad(f"the end counts {_counted(line)}, the file has {_counted(read)}")
        if next(self._lines, None) is not None:
            self.number += 1
            raise self._bad("a line after the end")

    def _next(self) -> Any:
        self.number += 1
        line = next(self._lines, None)
        if line is None:
            raise self._bad("the file ends before its end line: it was cut")
        try:
            return _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._bad(str(error)) from error

    def _item(self, line: _Event | _Record | _Seal) -> Item:
        if isinstance(line, _Event):
            return self._entry(line)
        if isinstance(line, _Record):
            return StoredContent(line.digest, self._bytes("content", line.content, line.raw))
        return Seal(line.number, line.statement.encode(), line.signature, line.leaves)

    def _entry(self, line: _Event) -> StoredEntry:
        if line.position <= self._position:
            raise self._bad(f"position {line.position} is not after position {self._position}")
        expected = self._versions.get(line.aggregate, 0) + 1
        if line.version != expected:
            raise self._bad(
                f"version {line.version} of {UUID(line.aggregate)} follows version {expected - 1}"
            )
        self._position, self._versions[line.aggregate] = line.position, line.version
        state = self._bytes("state", line.state, line.raw)
        return StoredEntry(line.position, line.aggregate, line.version, line.topic, state)

    def _bytes(self, name: str, text: str | None, raw: bytes | None) -> bytes:
        if (text is None) == (raw is None):
            raise self._bad(f"either {name} or raw must be given")
        return raw if text is None else text.encode()  # type: ignore[return-value]

    def _bad(self, what: str) -> BadHistoryFile:
        return BadHistoryFile(f"line {self.number}: {what}")


def _line(item: Item) -> _Event | _Record | _Seal:
    if isinstance(item, StoredContent):
        return _Record(item.digest, *_text(item.content))
    if isinstance(item, Seal):
        return _Seal(item.number, item.statement.decode(), item.signature, item.leaves)
    row: Any = item
    return _Event(row.position, row.aggregate, row.version, row.topic, *_text(row.state))


def _text(content: bytes) -> tuple[str | None, bytes | None]:
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, content


def _counted(end: _End) -> str:
    return f"{end.events} events, {end.records} records, {end.seals} seals"
