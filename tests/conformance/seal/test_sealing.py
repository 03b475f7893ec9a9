"""The seal on both databases: what was changed behind Vigil's back is found, at its position."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from application.ports.seal import Seal
from application.seal.proof import NotProvable, prove, verify_trail
from application.seal.sealer import AnchorAhead, Sealer
from application.seal.verification import Report, verify_log
from infrastructure.event_log import SqlEventLog, SqlSeals, open_event_log, open_seals, upgrade
from infrastructure.seal.anchor_file import AnchorFile
from infrastructure.seal.keys import PrivateKey, PublicKeys
from tests.conformance.event_log.counters import CLOCK, loaded, now, opened
from tests.conformance.seal import tampering
from tests.conformance.seal.tampering import Execute, tampered

BATCH = 8
EVENTS = 3 * BATCH + 3
"""Of the log that most tests seal: four seals, the last one shorter."""


@pytest.fixture
def key(tmp_path: Path) -> PrivateKey:
    return PrivateKey.create(tmp_path / "seal.key")


@pytest.fixture
def keys(key: PrivateKey) -> PublicKeys:
    return PublicKeys([key.public_pem()])


@pytest.fixture
def seals(event_database: str) -> Iterator[SqlSeals]:
    with closing(open_seals(event_database, retry_seconds=1.0)) as found:
        yield found


@pytest.fixture
def sealer(seals: SqlSeals, key: PrivateKey) -> Sealer:
    return Sealer(seals, seals, key, None, CLOCK, BATCH)


@pytest.fixture
def filled(event_log: SqlEventLog, sealer: Sealer) -> int:
    """A sealed log; its last position."""
    opened(event_log, *range(EVENTS - 1))
    assert sealer.seal() == EVENTS
    return event_log.end()


def verified(seals: SqlSeals, keys: PublicKeys, anchored: Sequence[bytes] | None = None) -> Report:
    return verify_log(seals, seals, keys, anchored)


def test_a_sealed_log_is_verified_and_events_after_it_wait_for_their_seal(
    event_log: SqlEventLog, seals: SqlSeals, keys: PublicKeys, sealer: Sealer, filled: int
) -> None:
    opened(event_log, 1)
    report = verified(seals, keys)
    assert (report.count, report.sealed, report.unsealed, report.seals) == (0, EVENTS, 2, 4)
    assert report.last == filled
    assert sealer.seal() == 2
    assert verified(seals, keys).unsealed == 0


def test_nothing_is_sealed_twice(seals: SqlSeals, sealer: Sealer, filled: int) -> None:
    before = seals.last()
    assert sealer.seal() == 0
    assert seals.last() == before
    assert filled


def test_of_two_sealers_one_seals_each_event(
    event_log: SqlEventLog, seals: SqlSeals, key: PrivateKey, keys: PublicKeys
) -> None:
    opened(event_log, *range(5))
    stale = Sealer(_Stale(seals), _Stale(seals), key, None, CLOCK, 3)
    first = Sealer(seals, seals, key, None, CLOCK, 3)
    first.seal()
    assert stale.seal() == 0
    assert verified(seals, keys).count == 0


class _Stale(SqlSeals):
    """Sees no seal at first, as a sealer that looked before the other stored its own."""

    def __init__(self, real: SqlSeals) -> None:
        vars(self).update(vars(real))
        self._looks = 0

    def last(self) -> Seal | None:
        self._looks += 1
        return None if self._looks == 1 else super().last()


FIRST = BATCH + 2
CHANGES: dict[str, tuple[Callable[[Execute], None], str]] = {
    "edited": (tampering.edit(FIRST), "was changed"),
    "deleted": (tampering.delete(FIRST), "is missing"),
    "swapped": (tampering.swap(FIRST, EVENTS - 1), "was changed"),
    "renamed": (tampering.rename(FIRST), "was changed"),
    "renumbered": (tampering.renumber(FIRST), "was changed"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_found_at_its_position(
    event_database: str,
    seals: SqlSeals,
    keys: PublicKeys,
    filled: int,
    change: Callable[[Execute], None],
    said: str,
) -> None:
    assert verified(seals, keys).count == 0  # the control
    tampered(event_database, change)
    report = verified(seals, keys)
    assert report.first_bad == FIRST
    assert said in report.findings[0].text
    assert filled == EVENTS


def test_an_event_that_was_added_to_a_sealed_run_is_found(
    event_log: SqlEventLog, event_database: str, seals: SqlSeals, keys: PublicKeys, sealer: Sealer
) -> None:
    opened(event_log, *range(4))
    tampered(event_database, tampering.delete(3))  # before the seal: a hole, as rollbacks leave
    sealer.seal()
    assert verified(seals, keys).count == 0
    tampered(event_database, tampering.add(3, copied=2))
    report = verified(seals, keys)
    assert (report.first_bad, report.findings[0].text) == (3, "event 3 was added")


def test_a_removed_end_of_the_log_is_found(
    event_database: str, seals: SqlSeals, keys: PublicKeys, filled: int
) -> None:
    tampered(event_database, tampering.delete(filled))
    assert verified(seals, keys).first_bad == filled


def test_removed_events_with_their_seals_are_found_by_the_anchor(
    event_log: SqlEventLog,
    event_database: str,
    seals: SqlSeals,
    key: PrivateKey,
    keys: PublicKeys,
    tmp_path: Path,
) -> None:
    anchor = AnchorFile(tmp_path / "anchor")
    sealer = Sealer(seals, seals, key, anchor, CLOCK, BATCH)
    opened(event_log, *range(EVENTS - 1))
    sealer.seal()
    assert verified(seals, keys, anchor.statements()).count == 0

    def cut(execute: Execute) -> None:
        execute(f"DELETE FROM stored_events WHERE {{position}} > {2 * BATCH}")  # noqa: S608
        execute("DELETE FROM seals WHERE number > 2")

    tampered(event_database, cut)
    assert verified(seals, keys).count == 0  # without the anchor nothing shows it
    assert verified(seals, keys, anchor.statements()).first_bad == 2 * BATCH + 1
    opened(event_log, 1)
    with pytest.raises(AnchorAhead, match="the anchor has 4 seals, the database 2"):
        Sealer(seals, seals, key, anchor, CLOCK, BATCH).seal()


def test_the_anchor_gets_seals_that_it_lacks(
    event_log: SqlEventLog, seals: SqlSeals, key: PrivateKey, sealer: Sealer, tmp_path: Path
) -> None:
    opened(event_log, *range(BATCH))
    sealer.seal()  # without an anchor
    file = tmp_path / "anchor"
    file.write_bytes(b'{"half a')  # a full disk cut a line
    anchor = AnchorFile(file)
    Sealer(seals, seals, key, anchor, CLOCK, BATCH).seal()
    assert anchor.statements() == [seal.statement for seal in seals.page(0, 10)]


SEAL_CHANGES = {
    "its statement": "UPDATE seals SET statement = signature WHERE number = 2",
    "its signature": "UPDATE seals SET signature = leaves WHERE number = 2",
    "its hashes": "UPDATE seals SET leaves = signature WHERE number = 2",
    "all of it": "DELETE FROM seals WHERE number = 2",
    "its place": "UPDATE seals SET number = number + 100 WHERE number = 2",
}


@pytest.mark.parametrize("change", SEAL_CHANGES.values(), ids=SEAL_CHANGES.keys())
def test_a_changed_seal_is_found(
    event_database: str, seals: SqlSeals, keys: PublicKeys, filled: int, change: str
) -> None:
    tampered(event_database, lambda execute: execute(change))
    report = verified(seals, keys)
    assert report.count
    assert all("seal" in one.text for one in report.findings), report.findings
    assert filled


def test_a_seal_of_another_key_is_not_trusted(seals: SqlSeals, filled: int, tmp_path: Path) -> None:
    stranger = PrivateKey.create(tmp_path / "other.key")
    report = verified(seals, PublicKeys([stranger.public_pem()]))
    assert report.count == 4
    assert "is not trusted" in report.findings[0].text
    assert filled


def test_a_trail_is_proven_or_the_changed_event_is_named(
    event_log: SqlEventLog, event_database: str, seals: SqlSeals, keys: PublicKeys, sealer: Sealer
) -> None:
    one, other = opened(event_log, 1, 2), opened(event_log, 3)
    counter = loaded(event_log, one)
    counter.add(now())
    event_log.save(counter)
    sealer.seal()
    proof = prove(seals, seals, keys, [one], {})
    assert [event["version"] for event in proof["events"]] == [1, 2, 3, 4]
    assert verify_trail(seals, seals, keys, [one]).sealed == 4
    tampered(event_database, tampering.edit(2))
    assert verify_trail(seals, seals, keys, [one]).first_bad == 2
    assert verify_trail(seals, seals, keys, [other]).count == 0
    with pytest.raises(NotProvable, match="event 2 was changed"):
        prove(seals, seals, keys, [one], {})
    tampered(event_database, tampering.delete(2))
    with pytest.raises(NotProvable, match=r"version 2 of .* is missing"):
        prove(seals, seals, keys, [one], {})


@pytest.mark.parametrize("change", [*tampering.GARBAGE, "rowid = -5"])
def test_garbage_in_a_row_is_a_finding_and_no_crash(
    sqlite_url: str, key: PrivateKey, keys: PublicKeys, change: str
) -> None:
    _sealed(sqlite_url, key, EVENTS, BATCH)
    tampered(sqlite_url, tampering.garbage(10, change))
    with closing(open_seals(sqlite_url, retry_seconds=1.0)) as seals:
        report = verified(seals, keys)
    assert 10 in {one.position for one in report.findings}


def test_random_changes_are_found_at_their_position(
    sqlite_url: str, tmp_path: Path, key: PrivateKey, keys: PublicKeys
) -> None:
    _tamper_often(sqlite_url, tmp_path, key, keys, times=40)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_random_changes_are_found_at_their_position(
    sqlite_url: str, tmp_path: Path, key: PrivateKey, keys: PublicKeys
) -> None:
    _tamper_often(sqlite_url, tmp_path, key, keys, times=1000)


def _tamper_often(url: str, folder: Path, key: PrivateKey, keys: PublicKeys, *, times: int) -> None:
    """Each kind of change at random places of a log with holes, as rolled back writes leave."""
    events, batch = 600, 64
    holes = list(range(20, events, 25))
    last = _sealed(url, key, events, batch, holes)
    present = sorted(set(range(1, last + 1)).difference(holes))
    firsts = {1 + place // batch: present[place] for place in range(0, len(present), batch)}
    changes = tampering.Changes(random.Random(7), present, holes, firsts)
    with closing(open_seals(url)) as seals:
        anchored = [seal.statement for seal in seals.page(0, 100)]
        assert verified(seals, keys, anchored).count == 0, "the control"
    pristine, copy = Path(url.removeprefix("sqlite:///")), folder / "copy.db"
    with closing(sqlite3.connect(pristine)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made = set()
    for _ in range(times):
        shutil.copy(pristine, copy)
        kind, at, change = changes.draw()
        tampered(f"sqlite:///{copy}", change)
        with closing(open_seals(f"sqlite:///{copy}", retry_seconds=1.0)) as seals:
            assert verified(seals, keys, anchored).first_bad == at, kind
        made.add(kind)
        for leftover in folder.glob("copy.db-*"):
            leftover.unlink()
    assert made == changes.kinds


def _sealed(url: str, key: PrivateKey, events: int, batch: int, holes: Sequence[int] = ()) -> int:
    """A sealed log on SQLite; its last position."""
    upgrade(url)
    with closing(open_event_log(url)) as log, closing(open_seals(url)) as seals:
        opened(log, *range(events - 1))
        for hole in holes:
            tampered(url, tampering.delete(hole))
        Sealer(seals, seals, key, None, CLOCK, batch).seal()
        return log.end()
