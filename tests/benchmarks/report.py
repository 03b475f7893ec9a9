"""Tables of figures: on a terminal, and as the page that is committed."""

import math
import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import installed_binaries, wheel_binaries

Figure = tuple[str, float, str]
"""Name, value, unit."""
Cell = str | float

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
COMMAND = "make bench"


@dataclass(frozen=True)
class Table:
    """Figures of one kind, beside what they are to be compared with.

    Attributes:
        columns: names with units; the first one is text, the others are numbers.
        notes: what a reader must know to understand the figures, one sentence or two each.
        recorded: the machine, if the figures are from a record of an earlier run.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    recorded: str = ""


@dataclass(frozen=True)
class Measured:
    """What a part of the run found, and what it cost.

    Attributes:
        wall, cpu: seconds; CPU is of this process and of all that it started and awaited.
    """

    table: Table
    wall: float
    cpu: float


def of_figures(title: str, figures: Iterable[Figure], *notes: str) -> Table:
    """A table of plain figures, each with its own unit."""
    return Table(title, ("figure", "value", "unit"), tuple(figures), notes)


def number(value: Cell) -> str:
    """A figure with the digits that mean something."""
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "?"
    if value == int(value) and abs(value) < 1e6:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def plain(measured: Measured) -> str:
    """A part's figures for a terminal."""
    table = measured.table
    cells = [table.columns, *(tuple(map(number, row)) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place and _numeric(table, place) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([f"{table.title} ({_cost(measured)})", *lines, *table.notes, ""])


def page(parts: Sequence[Measured], machine: str) -> str:
    """All figures as the committed page."""
    sections = "\n".join(map(_section, parts))
    wall = sum(part.wall for part in parts)
    return f"{_INTRODUCTION.format(machine=machine, wall=wall, command=COMMAND)}\n{sections}"


def with_sections(text: str, parts: Sequence[Measured], machine: str) -> str:
    """The page with the sections of some parts replaced, or added at its end."""
    for part in parts:
        alone = "" if part.table.recorded else f" It was measured alone on: {machine}."
        section = f"{_section(part).rstrip()}{alone}\n"
        before, _, rest = text.partition(f"## {part.table.title}\n")
        _, heading, after = rest.partition("\n## ")
        text = f"{before.rstrip()}\n\n{section}{heading}{after}"
    return text


def machine(load: float) -> str:
    """What the figures were measured on; the load is that of the minute before."""
    return (
        f"{_cores()} cores ({_processor()}), load {load:.1f} before the run; {platform.system()} "
        f"{platform.release().partition('-')[0]}; Python {platform.python_version()}; "
        f"SQLite {sqlite3.sqlite_version}; PostgreSQL {_postgres()}"
    )


_INTRODUCTION = """\
# Benchmarks

<!-- Written by `python -m tests.benchmarks --write`. Do not edit: run it again. -->

`{command}` measures everything on this page and prints it; `python -m tests.benchmarks --write`
also rewrites the page. One part alone: `python -m tests.benchmarks loop` (names: `--help`);
with `--write` its section alone is rewritten.
`--quick` takes a tenth of the samples, to see that it works.

Measured on: {machine}. {wall:.0f} s in all.

## How to read it

* **Ratios, not times.** Each figure stands beside a floor (a raw database, the library's own
  runner, an empty Falcon application) that was measured in the same run on the same machine. The
  ratio carries over to another machine; the milliseconds do not.
* Everything is real: processes of their own, HTTP over loopback, a NATS server, SQLite files and a
  PostgreSQL server that wait for the disk (unless said otherwise). Client, servers, databases and
  the simulated cloud share the same cores: the clients' own cost is in the figures, and is named
  where it matters.
* Other work on the machine affects wall time, CPU time hardly. Where both are given, trust
  CPU. The most extreme one of few samples is one sample: read a p99 of 50 as "the worst".
* No test asserts any of these figures.
"""


def _section(measured: Measured) -> str:
    table = measured.table
    rule = ("---", *("---:" if _numeric(table, n) else "---" for n in range(1, len(table.columns))))
    lines = [table.columns, rule, *(tuple(map(number, row)) for row in table.rows)]
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    notes = [f"* {note}" for note in table.notes]
    return "\n".join(
        [f"## {table.title}", "", *notes, *([""] if notes else []), *rows, "", _took(measured), ""]
    )


def _numeric(table: Table, place: int) -> bool:
    return any(not isinstance(row[place], str) for row in table.rows)


def _took(measured: Measured) -> str:
    if measured.table.recorded:
        return f"Measured on: {measured.table.recorded}."
    return f"This part took {_cost(measured)}."


def _cost(measured: Measured) -> str:
    return f"{measured.wall:.0f} s, {measured.cpu:.0f} s of CPU"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.exists():
        for line in known.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.machine()


def _postgres() -> str:
    program = (installed_binaries() or wheel_binaries()) / "postgres"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[2]
