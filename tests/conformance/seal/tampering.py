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


KINDS: tuple[Callable[[int], Callable[[Execute], None]], ...] = (edit, delete, rename, renumber)


def random_change(dice: random.Random, last: int) -> tuple[int, Callable[[Execute], None]]:
    """A change, and the first position that it concerns."""
    at = dice.randint(1, last - 1)
    kind = dice.randrange(len(KINDS) + 1)
    if kind == len(KINDS):
        return at, swap(at, dice.randint(at + 1, last))
    return at, KINDS[kind](at)
