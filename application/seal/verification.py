"""Verifies the event log with its seals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from application.kernel.paging import paged
from application.ports.seal import SEALS_READ, Seal, Seals, StoredEntries, StoredEntry, Verifier
from application.seal import leaves, merkle
from application.seal.statement import (
    DOMAIN,
    FIRST_PREVIOUS,
    BadStatement,
    Statement,
    digest,
    parse,
)

MOST_FINDINGS = 1000
"""Findings that are listed: the first ones show where to look."""
_BEFORE_ALL = -(2**63)


@dataclass(frozen=True)
class Finding:
    """A difference between the log and its seals.

    Attributes:
        position: of the first entry that is concerned; None if none is known to be.
        text: what differs.
    """

    position: int | None
    text: str


@dataclass
class Report:
    """The result of a verification.

    Attributes:
        findings: the first ones, in order of position as far as known.
        count: of all findings.
        seals: number of seals.
        sealed: number of entries that are as they were sealed.
        unsealed: number of entries after the last seal.
        last: position of the last sealed entry; 0 if there is none.
        anchored: number of seals in the anchor; None without one.
    """

    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    seals: int = 0
    sealed: int = 0
    unsealed: int = 0
    last: int = 0
    anchored: int | None = None

    @property
    def first_bad(self) -> int | None:
        """The lowest position with a finding."""
        return min((f.position for f in self.findings if f.position is not None), default=None)

    def add(self, position: int | None, text: str) -> None:
        """Adds a finding."""
        self.count += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(position, text))


def check_seal(seal: Seal, verifier: Verifier) -> Statement:
    """The statement of a seal whose signature and numbers are right.

    Raises:
        BadStatement: says what is wrong.
    """
    statement = parse(seal.statement)
    if statement.number != seal.number:
        raise BadStatement(f"it is stored as seal {seal.number} and says {statement.number}")
    if not verifier.knows(statement.key):
        raise BadStatement(f"its key {statement.key} is not trusted")
    if not verifier.is_signed(statement.key, DOMAIN + seal.statement, seal.signature):
        raise BadStatement("its signature is wrong")
    return statement


def signed_leaves(seal: Seal, statement: Statement) -> list[tuple[int, bytes]]:
    """Positions and hashes of the entries, if they are those that were signed.

    Raises:
        BadStatement: they are not.
    """
    try:
        found = leaves.unpacked(seal.leaves)
    except ValueError as error:
        raise BadStatement(str(error)) from error
    if len(found) != statement.count or not found:
        raise BadStatement(f"it has {len(found)} hashes for {statement.count} entries")
    if merkle.root(leaves.hashes(found)).hex() != statement.root:
        raise BadStatement("the stored hashes are not those that were signed")
    positions = [position for position, _ in found]
    ends = (statement.first, statement.last)
    if (positions[0], positions[-1]) != ends or positions != sorted(set(positions)):
        raise BadStatement("the stored positions are not those of the statement")
    return found


def verify_log(
    entries: StoredEntries,
    seals: Seals,
    verifier: Verifier,
    anchored: Sequence[bytes] | None = None,
) -> Report:
    """Compares the whole log with its seals, and the seals with the anchor.

    Args:
        entries: of the log.
        seals: of the log.
        verifier: the trusted keys.
        anchored: the statements in the anchor; None without one.

    Raises:
        EventLogUnavailable: the database cannot be reached.
    """
    return _Verification(_Cursor(entries), verifier, anchored).run(seals)


class _Cursor:
    """Reads the log once, from the start to the end."""

    def __init__(self, entries: StoredEntries) -> None:
        self._rows = paged(entries.entries, attrgetter("position"), _BEFORE_ALL)
        self._next = next(self._rows, None)

    def upto(self, position: int) -> list[StoredEntry]:
        """The next entries, up to a position."""
        found: list[StoredEntry] = []
        while self._next is not None and self._next.position <= position:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def rest(self) -> int:
        """The number of the remaining entries."""
        return (self._next is not None) + sum(1 for _ in self._rows)


class _Verification:
    def __init__(self, log: _Cursor, verifier: Verifier, anchored: Sequence[bytes] | None) -> None:
        self._log = log
        self._verifier = verifier
        self._anchored = anchored
        self._report = Report(anchored=None if anchored is None else len(anchored))
        self._previous: str | None = FIRST_PREVIOUS
        self._covered = 0

    def run(self, seals: Seals) -> Report:
        number = 0
        for seal in paged(seals.page, attrgetter("number"), size=SEALS_READ):
            self._follow(number, seal)
            number = seal.number
        for statement in (self._anchored or ())[number:]:
            self._report.add(self._first_of(statement), "the log ends before its anchor does")
        self._report.unsealed = self._log.rest()
        return self._report

    def _follow(self, before: int, seal: Seal) -> None:
        report = self._report
        if seal.number != before + 1:
            report.add(self._covered + 1, f"seals {before + 1} to {seal.number - 1} are missing")
            self._previous = None
        report.seals += 1
        try:
            statement = check_seal(seal, self._verifier)
        except BadStatement as bad:
            report.add(self._covered + 1, f"seal {seal.number}: {bad}")
            self._previous = None
            return
        self._compare_neighbours(seal, statement)
        skipped = self._log.upto(statement.after)
        if skipped and self._previous is not None:
            for entry in skipped:
                report.add(entry.position, f"event {entry.position} was added")
        self._compare_entries(seal, statement)
        self._previous = digest(seal.statement)
        self._covered = report.last = statement.last

    def _compare_neighbours(self, seal: Seal, statement: Statement) -> None:
        name = f"seal {seal.number}"
        if self._previous is not None and (
            statement.previous != self._previous or statement.after != self._covered
        ):
            self._report.add(self._covered + 1, f"{name} does not follow the seal before it")
        anchored = (self._anchored or ())[seal.number - 1 : seal.number]  # it may get it later
        if anchored and anchored[0] != seal.statement:
            self._report.add(statement.first, f"{name} is another one than in the anchor")

    def _compare_entries(self, seal: Seal, statement: Statement) -> None:
        found = self._log.upto(statement.last)
        actual = {entry.position: merkle.leaf(entry) for entry in found}
        try:
            signed = dict(signed_leaves(seal, statement))
        except BadStatement as bad:
            whole = merkle.root(list(actual.values())).hex() == statement.root
            place = None if whole else statement.first
            span = f"positions {statement.first} to {statement.last}"
            self._report.add(place, f"seal {seal.number} ({span}): {bad}")
            self._report.sealed += len(actual) if whole else 0
            return
        for position in sorted(signed.keys() | actual.keys()):
            if signed.get(position) == actual.get(position):
                self._report.sealed += 1
            elif position not in actual:
                self._report.add(position, f"event {position} is missing")
            else:
                what = "was changed" if position in signed else "was added"
                self._report.add(position, f"event {position} {what}")

    def _first_of(self, statement: bytes) -> int:
        try:
            return parse(statement).first
        except BadStatement:
            return self._covered + 1
