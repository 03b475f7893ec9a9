"""Every benchmark in one run: ``python -m tests.benchmarks [names…] [--write]``.

It ends by itself: after a limit the part that is running is given up, and whatever it started is
ended. A part that fails does not take the others' figures with it, but nothing is written then.
"""

import argparse
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

from tests.benchmarks import (
    amendments,
    applier,
    client,
    cluster_core,
    collection,
    event_log,
    footprint,
    isolation,
    library_runner,
    loop,
    million,
    past,
    projections,
    rest,
)
from tests.benchmarks.ground import database
from tests.benchmarks.report import (
    PAGE,
    Measured,
    Table,
    machine,
    of_figures,
    page,
    plain,
    with_sections,
)
from tests.benchmarks.strategies import comparison, crowded
from tests.postgres import ENVIRONMENT

LIMIT = 360
"""Seconds for everything."""
AGAIN = 30
"""Seconds after which a part that did not end is told once more."""

ORIGINAL = {
    "original": "Python with the original: compare with it again, instead of its kept figures",
    "tools": "folder of the tools that run and check the original: measure part original again",
    "work": "folder for clusters and runs; a comparison goes on with those that are there",
}

Part = Callable[[bool], Table]
"""Measures something; the argument asks for few samples."""


class TimeIsUp(Exception):
    """The limit has passed."""


def _event_log(_: bool) -> Table:
    return of_figures(
        "The event log",
        event_log.run(),
        "*By hand*: the same rows, inserted by hand into a table of the same database in one "
        "transaction per save, in turns with the log; *of the floor* is the ratio of the two.",
        "The log also makes, checks and encodes the events, and orders them for readers.",
    )


def _projections(_: bool) -> Table:
    """PostgreSQL is given the way tests are given one."""
    with TemporaryDirectory() as folder, database("postgresql", Path(folder), durable=False) as url:
        known = os.environ.get(ENVIRONMENT)
        os.environ[ENVIRONMENT] = url
        try:
            figures = [*projections.run(), *library_runner.run()]
        finally:
            os.environ.pop(ENVIRONMENT)
            if known is not None:
                os.environ[ENVIRONMENT] = known
    return of_figures(
        "Read models",
        figures,
        "A rebuild folds the whole log into new tables, compares them with the live ones and "
        "switches. *One event per transaction* is our runner told to work like the library's.",
        "The library's own runner (`eventsourcing.projection`) fills the same tables with the same "
        "folds. It cannot follow an SQLite event store.",
        "PostgreSQL does not wait for the disk here: read models never do.",
    )


def _cluster(quick: bool) -> Table:
    return cluster_core.table([(500, 5000)] if quick else [(1000, 10000), (5000, 50000)])


def _client(quick: bool, url: str | None = None, token: str | None = None) -> Table:
    return client.run(quick=quick, url=url, token=token)


PARTS: dict[str, Part] = {
    "event-log": _event_log,
    "projections": _projections,
    "loop": lambda quick: loop.run(quick=quick),
    "applier": lambda quick: applier.run(quick=quick),
    "client": _client,
    "footprint": lambda quick: footprint.run(quick=quick),
    "rest": lambda quick: rest.run(quick=quick),
    "cluster": _cluster,
    "isolation": lambda quick: isolation.run(quick=quick),
    "collection": lambda quick: collection.run(quick=quick),
    "amendments": lambda quick: amendments.run(quick=quick),
    "past": lambda quick: past.run(quick=quick),
    "million": lambda quick: million.run(quick=quick),
    "crowded": lambda quick: crowded.run(quick=quick),
    "original": lambda _: comparison.table(),
}


def main(arguments: Sequence[str]) -> int:
    """Runs the parts that are named, or all; the exit status."""
    options = _options(arguments)
    asked = partial(_client, url=options.url, token=options.token)
    parts: dict[str, Part] = {**PARTS, "client": asked}
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _time_is_up)
    where = machine(os.getloadavg()[0])
    print(where, end="\n\n", flush=True)
    if options.tools:
        comparison.measure(comparison.Setting(options.original, options.tools, options.work))
    deadline = time.monotonic() + options.limit
    done = [_measured(name, parts[name], options.quick, deadline) for name in options.names]
    found = [part for part in done if part is not None]
    if len(found) < len(done):
        return 1
    if options.write:
        whole = options.names == list(PARTS)
        text = PAGE.read_text("utf-8")
        text = page(found, where) if whole else with_sections(text, found, where)
        PAGE.write_text(text, encoding="utf-8")
        print(f"written: docs/{PAGE.name}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help="rewrite docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="few samples: does it work?")
    parser.add_argument("--limit", type=int, default=LIMIT, help="seconds (%(default)s)")
    parser.add_argument("--url", help="of the API that part client asks, instead of its own")
    parser.add_argument("--token", help="for that API")
    for name, what in ORIGINAL.items():
        parser.add_argument(f"--{name}", type=Path, metavar="PATH", help=what)
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if options.write and options.quick:
        parser.error("--write needs all samples")
    if bool(options.tools) != bool(options.work) or (options.original and not options.tools):
        parser.error("--original, --tools and --work go together; --original may be left out")
    options.names = options.names or list(PARTS)
    return options


def _measured(name: str, part: Part, quick: bool, deadline: float) -> Measured | None:
    """A part's figures, printed; None if it failed or there was no time left."""
    begun, cpu = time.monotonic(), _cpu()
    left = deadline - begun
    if left < 1:
        print(f"{name}: not measured, the time is up\n", flush=True)
        return None
    signal.setitimer(signal.ITIMER_REAL, left, AGAIN)
    try:
        table = part(quick)
    except Exception:  # noqa: BLE001 - told here; the other parts go on, and the exit status is 1
        print(f"{name}: failed\n{traceback.format_exc()}", flush=True)
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    found = Measured(table, time.monotonic() - begun, _cpu() - cpu)
    print(plain(found), flush=True)
    return found


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _time_is_up(_: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise TimeIsUp


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + signum)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
