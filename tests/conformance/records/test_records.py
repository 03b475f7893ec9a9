"""What every store of decision records promises (port: application/ports/records.py)."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import zstandard

from infrastructure.event_log import SqlRecords, open_records
from infrastructure.event_log.records import MAX_SIZE
from tests.conformance.records.rows import execute


@pytest.fixture
def records(event_database: str) -> Iterator[SqlRecords]:
    """An empty store of records."""
    store = open_records(event_database)
    yield store
    store.close()


@pytest.mark.parametrize("content", [b"", b"\x00", b"model " * 100_000, os.urandom(70_000)])
def test_content_is_read_back_by_its_digest(records: SqlRecords, content: bytes) -> None:
    digest = records.put(content)
    assert digest == sha256(content).hexdigest()
    assert records.get(digest) == content


def test_the_same_content_is_stored_once(records: SqlRecords, event_database: str) -> None:
    digest = records.put(b"a model")
    (first,) = execute(event_database, "SELECT * FROM records")
    assert records.put(b"a model") == digest
    assert execute(event_database, "SELECT * FROM records") == [first]


def test_many_writers_of_the_same_content_all_succeed(records: SqlRecords) -> None:
    contents = [b"one", b"two"] * 20
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(records.put, contents))
    assert [records.get(digest) for digest in digests] == contents


def test_content_is_compressed(records: SqlRecords, event_database: str) -> None:
    records.put(b"the same again and again " * 10_000)
    ((size, codec, stored),) = execute(
        event_database, "SELECT size, codec, length(content) FROM records"
    )
    assert (size, codec) == (250_000, "zstd")
    assert isinstance(stored, int)
    assert stored < 2_500


def test_an_unknown_digest_is_a_key_error(records: SqlRecords) -> None:
    with pytest.raises(KeyError, match="beef"):
        records.get("beef")


@pytest.mark.parametrize(
    ("column", "value"),
    [("content", b"not compressed"), ("content", None), ("codec", "rot13"), ("size", 3)],
)
def test_what_was_tampered_with_is_not_handed_out(
    records: SqlRecords, event_database: str, column: str, value: object
) -> None:
    digest, other = records.put(b"a model"), records.put(b"another model")
    if value is None:  # the content of another record
        ((value,),) = execute(event_database, "SELECT content FROM records WHERE digest = ?", other)
    execute(event_database, f"UPDATE records SET {column} = ? WHERE digest = ?", value, digest)  # noqa: S608
    with pytest.raises(ValueError, match=digest):
        records.get(digest)
    assert records.get(other) == b"another model"


def test_a_record_that_would_unpack_to_more_than_any_record_has_is_not_unpacked(
    records: SqlRecords, event_database: str
) -> None:
    """Whoever can write to the database could fill the memory of every reader with a few bytes."""
    digest = records.put(b"a model")
    size = MAX_SIZE + 1
    bomb = zstandard.ZstdCompressor().compressobj(size=size)
    head = bomb.compress(b"\0" * 1024) + bomb.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    assert zstandard.frame_content_size(head) == size
    for column, value in (("content", head), ("size", size)):
        execute(event_database, f"UPDATE records SET {column} = ? WHERE digest = ?", value, digest)  # noqa: S608
    with pytest.raises(ValueError, match="longer than"):
        records.get(digest)


def test_records_are_there_after_reopening(records: SqlRecords, event_database: str) -> None:
    digest = records.put(b"a model")
    records.close()
    again = open_records(event_database)
    try:
        assert again.get(digest) == b"a model"
    finally:
        again.close()
