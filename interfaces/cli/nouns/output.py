"""How objects are printed: as a table, as JSON or YAML, or by their names."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from infrastructure.clock import SystemClock
from infrastructure.logs import one_line
from interfaces.cli.nouns.noun import Call, Column, Row
from interfaces.cli.printing import print_line
from interfaces.terminal.wording import age

FORMATS: Final = ("table", "wide", "json", "yaml", "name")
_TIMES: Final = ("_at", "_time", "last_seen_up")
_CLEAR: Final = "\x1b[H\x1b[J"


def is_table(call: Call) -> bool:
    """Whether the output is for people."""
    return call.args.output in {"table", "wide"}


def show_rows(call: Call, rows: Sequence[Row]) -> None:
    """Prints several objects."""
    if not _document(call, list(rows), rows):
        wide = call.args.output == "wide"
        columns = [one for one in call.noun.columns if wide or not one.wide]
        for line in _fitting(table(columns, rows)):
            print_line(line)


def show_row(call: Call, row: Row) -> None:
    """Prints one object: a line for each attribute."""
    if not _document(call, row, [row]):
        shown = {name: value for name, value in row.items() if name != "links"}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            print_line(f"{name:<{width}}  {text(name, value)}".rstrip())


def _document(call: Call, document: object, rows: Sequence[Row]) -> bool:
    """Prints objects for programs; whether that was wanted."""
    match call.args.output:
        case "json":
            print(json.dumps(document, indent=2))
        case "yaml":
            import yaml  # noqa: PLC0415 - only for this format

            print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")
        case "name":
            for row in rows:
                print_line(str(row.get(call.noun.identity[-1]) or row[call.noun.identity[0]]))
        case _:
            return False
    return True


def table(columns: Sequence[Column], rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a table, with a heading."""
    heading = [one.title for one in columns]
    cells = [heading, *([text(_key(one), one.of(row)) for one in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        padded = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()


def text(name: str, value: object) -> str:
    """A value in a table; times are relative: ``3m ago``."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and name.endswith(_TIMES):
        return relative(value)
    if isinstance(value, float):
        return f"{value:g}"
    return one_line(value if isinstance(value, str) else json.dumps(value))


def relative(moment: str) -> str:
    """A time of the API as a distance from now; UTC without an offset."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    seconds = (SystemClock().now() - then).total_seconds()
    return f"{age(seconds)} ago" if seconds >= 0 else f"in {age(-seconds)}"


def watched(call: Call, show: Callable[[], Any]) -> int:
    """Shows something once, or again and again until Ctrl-C (``--watch``)."""
    while True:
        if call.args.watch is not None and sys.stdout.isatty():
            print(_CLEAR, end="")
        show()
        if call.args.watch is None:
            return 0
        sys.stdout.flush()
        time.sleep(call.args.watch)


def _key(column: Column) -> str:
    return column.value if isinstance(column.value, str) else ""


def _fitting(lines: Iterator[str]) -> Iterator[str]:
    """Lines cut to the width of a terminal; whole elsewhere."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        yield from lines
        return
    width = shutil.get_terminal_size().columns
    for line in lines:
        yield line if len(line) <= width else line[: width - 1] + "…"
