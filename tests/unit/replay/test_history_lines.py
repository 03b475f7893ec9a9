"""A history as lines: what is written is read again, and anything else is named with its line."""

from collections.abc import Callable

import pytest

from application.ports.seal import Seal, StoredEntry
from application.replay.anonymous_history import NotAnonymisable, anonymised
from application.replay.history_items import Item, StoredContent
from application.replay.history_lines import BadHistoryFile, HistoryHead, HistoryReader, to_lines

A, B = "a" * 32, "b" * 32
ITEMS: list[Item] = [
    StoredEntry(3, A, 1, "audit.requested", '{"name":"\u00e9"}'.encode()),
    StoredContent("c" * 64, b"\xff\x00"),
    StoredEntry(5, B, 1, "x.y", b"\xfe"),
    StoredEntry(9, A, 2, "audit.deleted", b"{}"),
    Seal(1, b'{"number":1}', b"\x01\x02", b"\x03"),
]


def lines() -> list[bytes]:
    return list(to_lines(HistoryHead(1, "demo"), ITEMS))


def test_a_history_is_read_as_it_was_written() -> None:
    reader = HistoryReader(lines())
    assert (reader.head.of, reader.head.anonymised) == ("demo", False)
    assert list(reader.items()) == ITEMS


Spoil = Callable[[list[bytes]], list[bytes]]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda _: [], "line 1: the file ends before its end line"),
        (lambda found: found[1:], "line 1: the first line must be that of a history"),
        (lambda found: [found[0].replace(b":1", b":7"), *found[1:]], "line 1: version 7 of the"),
        (lambda found: [*found[:2], b"nonsense\n", *found[2:]], "line 3: JSON is malformed"),
        (lambda found: [*found[:2], b"\xff\xfe\n", *found[2:]], "line 3: "),
        (lambda found: [*found[:2], b"[" * 5000, *found[2:]], "line 3: "),
        (lambda found: [*found[:2], found[0], *found[2:]], "line 3: a second head"),
        (lambda found: [*found[:2], found[1], *found[3:]], "line 3: position 3 is not after"),
        (lambda found: [found[0], *found[2:]], "line 4: version 2 of aaaaaaaa-aaaa"),
        (lambda found: [*found[:2], *found[3:]], "line 6: the end counts 3 events, 1 records"),
        (lambda found: found[:-1], "line 7: the file ends before its end line: it was cut"),
        (lambda found: [*found, b"\n"], "line 8: a line after the end"),
        (lambda found: [found[0], found[1].replace(b'"aaaa', b'"Aaaa'), *found[2:]], "$.aggregate"),
        (lambda found: [found[0], found[1].replace(b":3", b':"3"'), *found[2:]], "$.position"),
        (lambda found: [found[0], found[1].replace(b'"state"', b'"stat"'), *found[2:]], "stat"),
        (lambda found: [found[0], found[1].replace(b'"raw":null', b'"raw":""')], "either state"),
    ],
)
def test_anything_else_is_refused_with_its_line(spoil: Spoil, complaint: str) -> None:
    with pytest.raises(BadHistoryFile) as caught:
        list(HistoryReader(spoil(lines())).items())
    assert complaint in str(caught.value)


def test_what_is_no_json_is_not_anonymised_silently() -> None:
    with pytest.raises(NotAnonymisable, match=r"position 5 cannot be anonymised"):
        list(anonymised(ITEMS[:1] + ITEMS[2:3]))
