"""What every store of records promises those who prune it (port: ``RecordInventory``)."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import zstandard

from infrastructure.event_log import SqlRecords, open_records, upgrade
from infrastructure.event_log.migrations import STEPS
from tests.conformance.records.rows import execute, grow_old, renewing

DAY = 86400.0


@pytest.fixture
def records(event_database: str) -> Iterator[SqlRecords]:
    """An empty store of records."""
    store = open_records(event_database)
    yield store
    store.close()


def model(number: int, *refers: str) -> bytes:
    """A record of a model that refers to others."""
    return json.dumps({"format": 1, "kind": "compute", "model": number, "on": refers}).encode()


def test_the_inventory_tells_what_each_record_is_and_what_it_refers_to(
    records: SqlRecords,
) -> None:
    first = records.put(model(1))
    second = records.put(model(2, first))
    decision = records.put(json.dumps({"format": 1, "model_digest": second}).encode())
    other = records.put(b"\x00 no JSON at all")
    found = {one.digest: one for one in records.inventory()}
    assert {digest: (one.kind, one.refers) for digest, one in found.items()} == {
        first: ("compute", frozenset()),
        second: ("compute", {first}),
        decision: ("", {second}),
        other: ("", frozenset()),
    }
    assert all(0 <= one.age < 60 for one in found.values())
    assert all(one.size > 0 for one in found.values())


def test_what_an_older_version_stored_is_looked_at_once(
    records: SqlRecords, event_database: str
) -> None:
    first = records.put(model(1))
    second = records.put(model(2, first))
    execute(event_database, "UPDATE records SET used_at = NULL, kind = NULL, refers = NULL")
    found = {one.digest: (one.kind, one.refers) for one in records.inventory()}
    assert found == {first: ("compute", frozenset()), second: ("compute", {first})}
    noted = execute(event_database, "SELECT kind, refers FROM records ORDER BY refers")
    assert noted == [("compute", ""), ("compute", first)]


def test_what_cannot_be_read_is_no_model_and_stays(
    records: SqlRecords, event_database: str
) -> None:
    digest = records.put(model(1))
    execute(event_database, "UPDATE records SET kind = NULL, content = ?", b"damaged")
    (found,) = records.inventory()
    assert (found.digest, found.kind) == (digest, "")


def test_an_inventory_of_many_pages_names_each_record_once(
    records: SqlRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.event_log.record_table.PAGE", 7)
    digests = sorted(records.put(model(number)) for number in range(40))
    assert [one.digest for one in records.inventory()] == digests


def test_only_what_is_old_enough_is_dropped(records: SqlRecords, event_database: str) -> None:
    old, young = records.put(model(1)), records.put(model(2))
    grow_old(event_database, old, days=10)
    assert records.drop([old, young, "beef"], 9 * DAY) == {old}
    assert [one.digest for one in records.inventory()] == [young]
    grow_old(event_database, young, days=10)
    assert records.drop([young], 11 * DAY) == set()


def test_storing_it_again_renews_the_age(records: SqlRecords, event_database: str) -> None:
    digest = records.put(model(1))
    grow_old(event_database, digest)
    assert records.put(model(1)) == digest
    assert records.drop([digest], DAY) == set()


def test_referring_to_it_anew_renews_the_age(records: SqlRecords, event_database: str) -> None:
    """A run took the model while it was the present one, and records its decision only now."""
    digest = records.put(model(1))
    grow_old(event_database, digest)
    records.put(json.dumps({"model_digest": digest}).encode())
    assert records.drop([digest], DAY) == set()


def test_a_young_age_is_not_renewed_again_and_again(
    records: SqlRecords, event_database: str
) -> None:
    """A model that does not change is stored each minute: 1.5 MB need not be written each time."""
    records.put(model(1))
    before = execute(event_database, "SELECT * FROM records")
    records.put(model(1))
    assert execute(event_database, "SELECT * FROM records") == before


def test_a_record_that_is_being_renewed_is_waited_for_and_kept(
    records: SqlRecords, event_database: str
) -> None:
    """The writer has not committed when the deletion begins: it must look at the age again."""
    digest = records.put(model(1))
    grow_old(event_database, digest)
    with ThreadPoolExecutor(1) as pool:
        with renewing(event_database, digest):
            dropping = pool.submit(records.drop, [digest], DAY)
            with pytest.raises(TimeoutError):
                dropping.result(0.5)
        assert dropping.result(30) == set()
    assert records.get(digest) == model(1)


def test_what_writers_store_while_it_is_being_dropped_is_there_afterwards(
    records: SqlRecords, event_database: str
) -> None:
    """Whichever comes first for each of them: it is renewed and kept, or dropped and stored."""
    contents = [model(number) for number in range(120)]
    digests = [records.put(content) for content in contents]
    for _ in range(3):
        grow_old(event_database)
        start = threading.Barrier(3)

        def write(mine: list[bytes], start: threading.Barrier = start) -> None:
            start.wait(20)
            for content in mine:
                records.put(content)

        def drop(start: threading.Barrier = start) -> None:
            start.wait(20)
            for digest in digests:
                records.drop([digest], DAY)

        with ThreadPoolExecutor(3) as pool:
            jobs = [
                pool.submit(write, contents),
                pool.submit(write, contents[::-1]),
                pool.submit(drop),
            ]
            for job in jobs:
                job.result(60)
        assert [records.get(digest) for digest in digests] == contents


def test_control_a_store_that_does_not_renew_loses_what_is_stored_again(
    records: SqlRecords, event_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seeded defect: to find the record there and leave it at that, as ``put`` once did."""
    digest = records.put(model(1))
    grow_old(event_database, digest)
    table = records._table
    monkeypatch.setattr(table, "renew", lambda digest, _: table.select(digest) is not None)
    records.put(model(1))
    assert records.drop([digest], DAY) == {digest}


def test_the_inventory_tells_how_old_a_record_is(records: SqlRecords, event_database: str) -> None:
    digest = records.put(model(1))
    grow_old(event_database, digest, days=10)
    (found,) = records.inventory()
    assert found.age == pytest.approx(10 * DAY, abs=120)
    assert found.digest == digest


def test_records_of_an_older_schema_are_read_and_can_be_dropped(database_url: str) -> None:
    upgrade(database_url, STEPS[:2])
    content = model(1)
    digest = sha256(content).hexdigest()
    packed = zstandard.compress(content)
    execute(
        database_url,
        "INSERT INTO records (digest, content, codec, size, created_at) VALUES (?, ?, ?, ?, ?)",
        *(digest, packed, "zstd", len(content), "2026-01-02T03:04:05.000006+00:00"),
    )
    assert "3 record-uses" in upgrade(database_url)
    records = open_records(database_url)
    try:
        assert records.get(digest) == content
        (found,) = records.inventory()
        assert (found.kind, found.age > DAY) == ("compute", True)
        assert records.put(content) == digest
        assert records.drop([digest], DAY) == set()
        grow_old(database_url)
        assert records.drop([digest], DAY) == {digest}
    finally:
        records.close()
