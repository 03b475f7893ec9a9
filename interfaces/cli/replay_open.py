"""`vigil replay open`: the interactive debugger."""

import argparse
import logging
import os
import shlex
import sys
from contextlib import suppress

from application.kernel.errors import Unavailable
from application.ports.event_log import ReadOnlyLog
from application.replay.bisection import first_true
from application.replay.debugger.session import Session
from application.replay.expression import Expression, InvalidExpression
from application.replay.find import AmbiguousSubject, SubjectNotFound, find, first_position
from application.replay.moments import position_at
from infrastructure.cron import next_match
from interfaces.bootstrap.history import History
from interfaces.cli.arguments import moment
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.printing import print_line
from interfaces.cli.replay_source import opened
from interfaces.terminal.debugger.app import Debugger
from interfaces.terminal.debugger.panes import Tools
from interfaces.terminal.debugger.searches import Refused


def run(args: argparse.Namespace) -> int:
    """Shows the debugger until the user quits; then prints where it was."""
    if not has_terminal():
        raise CommandFailed("the debugger needs a terminal; `vigil replay log` prints the history")
    with opened(args) as history:
        session = Session(history.log, lambda: history.records, lambda: history.action_types)
        tools = Tools(lambda: history.records, _Place(history), _Until(history), _settings(args))
        if args.place is not None:
            with report_errors(Refused):
                session.reveal(tools.place(history.log, args.place))
        logging.disable()  # a message would spoil the screen
        try:
            Debugger(session, tools).run()
        finally:
            logging.disable(logging.NOTSET)
        if session.selected is not None:
            words = ["vigil", "replay", "open", str(session.selected.position), *tools.settings]
            print_line(f"you were at position {session.selected.position}: {shlex.join(words)}")
    return 0


def has_terminal() -> bool:
    """Whether a whole screen can be shown."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class _Place:
    """The position that a user names."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __call__(self, log: ReadOnlyLog, word: str) -> int:
        with suppress(argparse.ArgumentTypeError):
            when = moment(word)
            if not isinstance(when, int) or when <= log.end():
                return position_at(log, when)
        try:
            return first_position(log, find(log, word, self._history.index))
        except (SubjectNotFound, AmbiguousSubject) as error:
            raise Refused(str(error)) from error


class _Until:
    """The position at which a condition becomes true."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __call__(self, log: ReadOnlyLog, text: str, after: int) -> int | None:
        from application.replay.tracks import Tracks  # noqa: PLC0415 - when needed

        history = self._history
        try:
            expression = Expression(text)
            tracks = Tracks(log, history.index, lambda: history.cluster(log), next_match)
            found = first_true(expression, tracks.of(expression, after + 1), after + 1)
        except (InvalidExpression, SubjectNotFound, AmbiguousSubject, Unavailable) as error:
            raise Refused(str(error)) from error
        if found.already:
            raise Refused(f"this is true already, since position {found.position}: {text}")
        return found.position


def _settings(args: argparse.Namespace) -> list[str]:
    """The arguments that open the same history."""
    given = {name: getattr(args, name) for name in ("data", "database")}
    found = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    files = [word for path in args.config_file or () for word in ("--config-file", str(path))]
    sets = [word for place, value in args.assignments for word in ("--set", f"{place}={value}")]
    return [*found, *files, *sets]
