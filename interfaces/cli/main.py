"""The `vigil` command."""

import argparse
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from infrastructure.settings import SettingsError
from interfaces.cli.errors import CommandFailed
from interfaces.cli.version import version_line

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

EPILOG = """\
exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 130 interrupted.
`vigil COMMAND --help` tells more about a command.
"""


class CommandModule(Protocol):
    """What the module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the command's arguments."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Carries it out; returns the exit code."""
        ...


@dataclass(frozen=True)
class CommandEntry:
    """A command and where it lives; its module is imported only when it is called."""

    name: str
    module: str
    help: str

    def load(self) -> CommandModule:
        """The module."""
        return cast("CommandModule", importlib.import_module(f"interfaces.cli.{self.module}"))


COMMANDS = (
    CommandEntry("up", "up", "run everything on this machine"),
    CommandEntry("demo", "demo", "audit, explain, execute and replay on a simulated cloud"),
    CommandEntry("status", "status", "what is going on, live"),
    CommandEntry("replay", "replay", "what happened, and the state as it was at any time"),
    CommandEntry("config", "config", "the settings in force and where each comes from"),
    CommandEntry("api", "roles", "serve the REST API"),
    CommandEntry("projector", "roles", "keep the read models up to date"),
    CommandEntry("relay", "roles", "copy the event log to NATS"),
    CommandEntry("decision-engine", "roles", "compute plans for audits"),
    CommandEntry("applier", "roles", "carry out launched plans"),
    CommandEntry("scheduler", "roles", "request runs that are due, expire old plans"),
    CommandEntry("collector", "roles", "keep a model of the cloud"),
    CommandEntry("listener", "roles", "amend the models as notifications come"),
    CommandEntry("strategy", "strategy", "try a strategy offline; check what it needs"),
    CommandEntry("cluster", "cluster", "the cluster model: show it, export it"),
    CommandEntry("sim", "sim", "serve a simulated OpenStack"),
    CommandEntry("db", "db", "prepare or check the database"),
    CommandEntry("projections", "projections", "state of the read models; build them anew"),
    CommandEntry("records", "records", "what lies beside the event log; drop what nothing needs"),
    CommandEntry("version", "version", "version of Vigil and of what it runs on"),
)


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line.

    Args:
        only: the command whose arguments are needed (the others are listed); None: all.
    """
    parser = argparse.ArgumentParser(
        prog="vigil",
        description="Optimises OpenStack clouds and can prove every decision it ever made.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_line())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        if only is None or only == command.name:
            module = command.load()
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    _spell_out()
    named = next((word for word in words if not word.startswith("-")), "")
    try:
        args = build_parser(only=named).parse_args(words)
        return _carried_out(args)
    except KeyboardInterrupt:
        return INTERRUPTED


def _carried_out(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except BrokenPipeError:
        return _reader_left()
    except SettingsError as error:
        return _complain(args, error, USAGE)
    except CommandFailed as error:
        return _complain(args, error, FAILED)
    except Exception as error:  # noqa: BLE001 - the last line of defence of a command line
        return _complain(args, error, FAILED, unexpected=True)


def _spell_out() -> None:
    """What the terminal's encoding lacks is shown as an escape: clouds hold names of any kind."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain(
    args: argparse.Namespace, error: Exception, code: int, *, unexpected: bool = False
) -> int:
    if getattr(args, "debug", False):
        logging.getLogger(__name__).error("the command failed", exc_info=error)
    text = " ".join(str(error).split()) or type(error).__name__
    if unexpected:
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    print(f"vigil: error: {text}", file=sys.stderr)
    return code


def _reader_left() -> int:
    """Whoever read our output has seen enough; nothing more may be written at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


if __name__ == "__main__":
    sys.exit(main())
