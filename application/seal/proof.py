"""The proof of a trail: the events of some aggregates, each with its path to a signed root.

Another machine checks it with the public key alone (examples/verify_proof.py). A proof shows that
each of its events is in the log, unchanged, and that no event between two others of an aggregate is
left out. It cannot show that none follows the last one.
"""

import base64
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from application.ports.seal import Seal, Seals, StoredEntries, StoredEntry, Verifier
from application.seal import leaves, merkle
from application.seal.statement import BadStatement, Statement
from application.seal.verification import Report, check_seal, signed_leaves

FORMAT = "vigil-proof"
VERSION = 1


class NotProvable(Exception):
    """An event of the trail was changed, or has no seal. The message names its position."""


def prove(
    entries: StoredEntries,
    seals: Seals,
    verifier: Verifier,
    aggregates: Iterable[UUID],
    about: dict[str, str],
) -> dict[str, Any]:
    """The proof of the events of some aggregates, as JSON.

    Args:
        entries: of the log.
        seals: of the log.
        verifier: the trusted keys.
        aggregates: their ids.
        about: what the proof is about, for readers.

    Raises:
        NotProvable: an event was changed, is missing or has no seal yet.
        EventLogUnavailable: the database cannot be reached.
    """
    trail = _Trail(entries, seals, verifier)
    events = [event for one in aggregates for event in trail.events(one)]
    events.sort(key=lambda event: event["position"])
    return {
        "format": FORMAT,
        "version": VERSION,
        "about": about,
        "seals": [
            {
                "statement": seal.statement.decode(),
                "signature": base64.b64encode(seal.signature).decode(),
            }
            for seal in trail.used()
        ],
        "events": events,
    }


def verify_trail(
    entries: StoredEntries, seals: Seals, verifier: Verifier, aggregates: Iterable[UUID]
) -> Report:
    """Verifies the events of some aggregates. As a proof, it does not find that the last are gone.

    Raises:
        EventLogUnavailable: the database cannot be reached.
    """
    trail, report = _Trail(entries, seals, verifier), Report()
    for one in aggregates:
        expected = 1
        for entry in entries.entries_of(one):
            try:
                trail.check_version(entry, expected)
                if trail.proven(entry) is None:
                    report.unsealed += 1
                else:
                    report.sealed += 1
            except NotProvable as wrong:
                report.add(entry.position, str(wrong))
            expected = entry.version + 1 if isinstance(entry.version, int) else expected + 1
    report.seals = len(trail.used())
    return report


class _Trail:
    """Finds the seal of each event; checks each seal once."""

    def __init__(self, entries: StoredEntries, seals: Seals, verifier: Verifier) -> None:
        self._entries = entries
        self._seals = seals
        self._verifier = verifier
        self._used: dict[int, tuple[Seal, Statement, list[tuple[int, bytes]]]] = {}

    def used(self) -> list[Seal]:
        """The seals of the events so far, in order."""
        return [self._used[number][0] for number in sorted(self._used)]

    def events(self, aggregate: UUID) -> Iterable[dict[str, Any]]:
        """The events of an aggregate with their proofs."""
        for expected, entry in enumerate(self._entries.entries_of(aggregate), start=1):
            self.check_version(entry, expected)
            found = self.proven(entry)
            if found is None:
                raise NotProvable(f"event {entry.position} has no seal yet; it gets one soon")
            statement, signed = found
            index = [position for position, _ in signed].index(entry.position)
            path = merkle.path(leaves.hashes(signed), index)
            yield {
                "position": entry.position,
                "aggregate": entry.aggregate,
                "version": entry.version,
                "topic": entry.topic,
                **_content(entry),
                "seal": statement.number,
                "index": index,
                "path": [None if one is None else one.hex() for one in path],
            }

    def check_version(self, entry: StoredEntry, expected: int) -> None:
        """Checks that no event of the aggregate is missing before an entry."""
        if entry.version != expected:
            missing = f"version {expected} of {entry.aggregate} is missing"
            raise NotProvable(f"event {entry.position} has version {entry.version}: {missing}")

    def proven(self, entry: StoredEntry) -> tuple[Statement, list[tuple[int, bytes]]] | None:
        """The statement that covers an entry, and its leaves; None if it has no seal yet.

        Raises:
            NotProvable: the entry, or its seal, was changed.
        """
        found = next((one for one in self._used.values() if _covers(one[1], entry)), None)
        if found is None:
            seal = self._seals.covering(entry.position)
            if seal is None:
                return None
            try:
                statement = check_seal(seal, self._verifier)
                found = (seal, statement, signed_leaves(seal, statement))
            except BadStatement as bad:
                raise NotProvable(f"event {entry.position}: seal {seal.number}: {bad}") from bad
            self._used[seal.number] = found
        _, statement, signed = found
        if (entry.position, merkle.leaf(entry)) not in signed:
            raise NotProvable(f"event {entry.position} was changed or added")
        return statement, signed


def _covers(statement: Statement, entry: StoredEntry) -> bool:
    return statement.first <= entry.position <= statement.last


def _content(entry: StoredEntry) -> dict[str, str]:
    """The state as text if it is one, else as base64."""
    state = entry.state if isinstance(entry.state, bytes) else b""
    try:
        return {"state": state.decode()}
    except UnicodeDecodeError:
        return {"state_base64": base64.b64encode(state).decode()}
