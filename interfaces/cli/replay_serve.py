"""`vigil replay serve`: the REST API as it was at a moment, read only."""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from application.kernel.errors import NothingThen
from application.ports.event_log import ReadOnlyLog
from application.replay.history_items import DamagedEntry, whole_history
from application.replay.moments import position_at
from infrastructure.event_log.history_writer import write_history
from infrastructure.event_log.read_only import open_seals_read_only
from infrastructure.settings import Settings
from interfaces.bootstrap.history import History
from interfaces.bootstrap.past_api import serve_past
from interfaces.cli.arguments import load_settings
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_line
from interfaces.cli.replay_source import opened


def run(args: argparse.Namespace) -> int:
    """Serves until it is interrupted."""
    with TemporaryDirectory(prefix="vigil-past-") as folder:
        path = Path(folder) / "vigil.sqlite"
        with opened(args) as history:
            position = _position(args, history.log)
            _copy(history, path, position)
        settings = _settings(args, path)

        def ready(host: str, port: int) -> None:
            print_line(f"position {position}: http://{host}:{port}, read only", sys.stderr)

        return serve_past(settings, position, args.port, ready)


def _position(args: argparse.Namespace, log: ReadOnlyLog) -> int:
    end = log.end()
    if isinstance(args.at, int) and args.at > end:
        raise NothingThen(f"The log ends at position {end}, there is no position {args.at} yet.")
    return end if args.at is None else position_at(log, args.at)


def _copy(history: History, path: Path, position: int) -> None:
    """Copies the events up to a position into a database of its own, with their records."""
    with closing(open_seals_read_only(history.settings.database.connection)) as stored:
        try:
            write_history(path, whole_history(stored, history.records, None, position))
        except DamagedEntry as error:
            raise CommandFailed(str(error)) from error


def _settings(args: argparse.Namespace, path: Path) -> Settings:
    url = f"sqlite:///{path}"
    return load_settings(args, {"database.connection": url}).settings
