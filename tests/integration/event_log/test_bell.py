"""The bell of a file: who changed it wakes the other processes of the machine."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from infrastructure.bell import Bell
from infrastructure.event_log import sqlite as store
from infrastructure.event_log.sqlite import SqliteAppendNotifier

PATIENCE = 20.0


def test_a_ring_is_heard_also_beside_a_file_with_a_long_path(tmp_path: Path) -> None:
    """The address of a socket has at most 107 bytes."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    listener = Bell(folder / "events.db").listener()
    Bell(folder / "events.db").ring()
    began = time.monotonic()
    listener.wait(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2
    listener.close()


def test_nobody_needs_to_listen_and_the_dead_are_forgotten(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "events.db")
    bell.ring()
    listener = bell.listener()
    listener._socket.close()  # as a killed process leaves it
    assert len(list((tmp_path / "events.db.bells").iterdir())) == 1
    bell.ring()
    assert list((tmp_path / "events.db.bells").iterdir()) == []
    listener.close()


def test_the_end_ends_a_wait(tmp_path: Path) -> None:
    listener = Bell(tmp_path / "events.db").listener()
    thread = threading.Thread(target=listener.wait)
    thread.start()
    listener.end()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    listener.close()


def test_rings_wake_a_waiter_that_does_not_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FLOOR_POLL", 2 * PATIENCE)
    path = tmp_path / "events.db"
    sqlite3.connect(path).close()
    follower, writer = SqliteAppendNotifier(path), SqliteAppendNotifier(path)
    began = time.monotonic()
    token = follower.token()
    thread = threading.Thread(target=follower.wait, args=(token, 2 * PATIENCE))
    thread.start()
    writer.notify()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert time.monotonic() - began < PATIENCE
    follower.close()
    writer.close()
    assert list(path.with_name("events.db.bells").iterdir()) == []


def test_where_no_bell_can_be_heard_the_file_is_polled_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Bell) -> None:
        raise OSError("no sockets here")

    monkeypatch.setattr(Bell, "listener", refuse)
    path = tmp_path / "events.db"
    sqlite3.connect(path).close()
    notifier = SqliteAppendNotifier(path)
    notifier.token()
    assert notifier.poll == store.QUICK_POLL
    notifier.close()
