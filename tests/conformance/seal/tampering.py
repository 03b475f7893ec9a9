"""Changes to stored events and seals, as somebody with access to the database makes them."""

# ruff: noqa: S608 - the statements are of this file

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg

from infrastructure.event_log.url import sqlite_file

BYTES = "CAST('{{}}' AS {blob})"
Execute = Callable[[str], Any]
"""Runs a statement. ``{position}`` stands for the column of the position, ``{blob}`` for bytes."""


def tampered(url: str, change: Callable[[Execute], None]) -> None:
    """Changes a database behind Vigil's back; checks and keys of the table do not hinder it."""
    path = sqlite_file(url)
    if path is None:
        with psycopg.connect(url) as connection:
            change(
                lambda text: connection.execute(
                    text.format(position="notification_id", blob="bytea")
                )
            )
        return
    with closing(sqlite3.connect(path)) as lite:
        lite.execute("PRAGMA ignore_check_constraints = ON")
        change(lambda text: lite.execute(text.format(position="rowid", blob="blob")))
        lite.commit()


def edit(at: int) -> Callable[[Execute], None]:
    return lambda execute: execute(
        f"UPDATE stored_events SET state = {BYTES} WHERE {{position}} = {at}"
    )


def delete(at: int) -> Callable[[Execute], None]:
    return lambda execute: execute(f"DELETE FROM stored_events WHERE {{position}} = {at}")


def swap(one: int, other: int) -> Callable[[Execute], None]:
    def change(execute: Execute) -> None:
        for old, new in ((one, -1), (other, one), (-1, other)):
            execute(f"UPDATE stored_events SET {{position}} = {new} WHERE {{position}} = {old}")

    return change


def rename(at: int) -> Callable[[Execute], None]:
    return lambda execute: execute(
        f"UPDATE stored_events SET topic = 'test.other' WHERE {{position}} = {at}"
    )


def renumber(at: int) -> Callable[[Execute], None]:
    return lambda execute: execute(
        f"UPDATE stored_events SET originator_version = 99999 WHERE {{position}} = {at}"
    )


def add(at: int, copied: int) -> Callable[[Execute], None]:
    """A copy of an event, as another version, at a position without one."""
    return lambda execute: execute(
        "INSERT INTO stored_events ({position}, originator_id, originator_version, topic, state) "
        "SELECT " + f"{at}, originator_id, 88888, topic, state FROM stored_events "
        f"WHERE {{position}} = {copied}"
    )


def move(at: int, to: int) -> Callable[[Execute], None]:
    """An event at a position that had none."""
    return lambda execute: execute(
        f"UPDATE stored_events SET {{position}} = {to} WHERE {{position}} = {at}"
    )


def cut(at: int) -> Callable[[Execute], None]:
    """The log ends before a position; its seals stay."""
    return lambda execute: execute(f"DELETE FROM stored_events WHERE {{position}} >= {at}")


def cut_with_seals(at: int, seals: int) -> Callable[[Execute], None]:
    """The log ends before a position, and with it all seals but the first ones."""

    def change(execute: Execute) -> None:
        cut(at)(execute)
        execute(f"DELETE FROM seals WHERE number > {seals}")

    return change


GARBAGE = (
    "topic = CAST(x'ff00fe' AS TEXT)",
    "topic = x'74'",
    "originator_id = CAST(x'c3' AS TEXT)",
    "originator_version = 'one'",
    "state = CAST(x'ff' AS TEXT)",
    "state = 17.5",
)
"""Values that no event has; SQLite stores them all the same."""


def garbage(at: int, value: str) -> Callable[[Execute], None]:
    return lambda execute: execute(f"UPDATE stored_events SET {value} WHERE {{position}} = {at}")


class Changes:
    """Random changes to a sealed log on SQLite.

    Args:
        dice: draws them.
        present: positions with an event, in order.
        holes: positions without one, before the last event.
        batches: number of a seal → position of its first event.
    """

    def __init__(
        self, dice: random.Random, present: list[int], holes: list[int], batches: dict[int, int]
    ) -> None:
        self._dice = dice
        self._present = present
        self._holes = holes
        self._batches = batches
        self._kinds: dict[str, Callable[[int], tuple[int, Callable[[Execute], None]]]] = {
            "edited": lambda at: (at, edit(at)),
            "deleted": lambda at: (at, delete(at)),
            "renamed": lambda at: (at, rename(at)),
            "renumbered": lambda at: (at, renumber(at)),
            "garbage": lambda at: (at, garbage(at, dice.choice(GARBAGE))),
            "reordered": self._swapped,
            "moved": self._moved,
            "inserted": self._inserted,
            "cut": lambda at: (at, cut(at)),
            "cut with its seals": self._cut_with_seals,
        }

    @property
    def kinds(self) -> set[str]:
        """The kinds of changes."""
        return set(self._kinds)

    def draw(self) -> tuple[str, int, Callable[[Execute], None]]:
        """A change: its kind, the first position that it concerns, and what makes it."""
        kind = self._dice.choice(list(self._kinds))
        at, change = self._kinds[kind](self._dice.choice(self._present[:-1]))
        return kind, at, change

    def _swapped(self, at: int) -> tuple[int, Callable[[Execute], None]]:
        other = self._dice.choice([one for one in self._present if one > at])
        return at, swap(at, other)

    def _moved(self, at: int) -> tuple[int, Callable[[Execute], None]]:
        hole = self._dice.choice(self._holes)
        return min(at, hole), move(at, hole)

    def _inserted(self, at: int) -> tuple[int, Callable[[Execute], None]]:
        hole = self._dice.choice(self._holes)
        return hole, add(hole, copied=at)

    def _cut_with_seals(self, _: int) -> tuple[int, Callable[[Execute], None]]:
        number = self._dice.choice([one for one in self._batches if one > 1])
        return self._batches[number], cut_with_seals(self._batches[number], number - 1)
