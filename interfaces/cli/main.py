"""The `vigil` command."""

import argparse
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, cast

from interfaces.cli.errors import (
    EXIT_CODES,
    FAILED,
    INTERRUPTED,
    NOT_FOUND,
    OK,
    REFUSED,
    UNREACHABLE,
    USAGE,
    CommandFailed,
)
from interfaces.cli.parser import Parser, report

PRIVATE = 0o077
"""The files that a command makes are its user's alone: databases, logs, exports of a cloud."""

EPILOG = f"""\
exit codes: {", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())}.
`vigil COMMAND --help` describes a command.
"""


class CommandModule(Protocol):
    """What the module of a command defines."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the command's arguments."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Runs the command; returns the exit code."""
        ...


@dataclass(frozen=True)
class CommandEntry:
    """A command and the name of its module, which is imported only when the command runs."""

    name: str
    module: str
    help: str

    def load(self) -> CommandModule:
        """Imports the module."""
        return cast("CommandModule", importlib.import_module(f"interfaces.cli.{self.module}"))


COMMANDS = (
    CommandEntry("up", "up", "run all roles on this machine"),
    CommandEntry("demo", "demo", "optimise a simulated cloud and show how"),
    CommandEntry("status", "status", "show the state of the installation, live"),
    CommandEntry("replay", "replay", "show events, and the state at any time"),
    CommandEntry("actuation", "actuation", "stop or resume all changes to the cloud"),
    CommandEntry("why", "why", "show every decision about a server or a host"),
    CommandEntry("config", "config", "print all settings and their sources"),
    CommandEntry("api", "roles", "serve the REST API"),
    CommandEntry("projector", "roles", "update the read models"),
    CommandEntry("relay", "roles", "copy the event log to NATS"),
    CommandEntry("decision-engine", "roles", "compute action plans for audits"),
    CommandEntry("applier", "roles", "execute action plans"),
    CommandEntry("scheduler", "roles", "start audit runs that are due, expire old plans"),
    CommandEntry("collector", "roles", "collect the models of the cloud"),
    CommandEntry("listener", "roles", "update the models from notifications"),
    CommandEntry("notifier", "roles", "send notifications of what Vigil does"),
    CommandEntry("audit", "nouns.command", "create, list, change and cancel audits"),
    CommandEntry("template", "nouns.command", "create, list, change and delete audit templates"),
    CommandEntry("plan", "nouns.command", "list, explain, start, cancel and undo action plans"),
    CommandEntry("action", "nouns.command", "list and skip actions"),
    CommandEntry("host", "nouns.command", "list the hosts of the cloud"),
    CommandEntry("server", "nouns.command", "list the servers of the cloud"),
    CommandEntry("goal", "nouns.command", "list the goals"),
    CommandEntry("strategy", "strategy", "list strategies, run one offline, check what it needs"),
    CommandEntry("service", "nouns.command", "list the services and their heartbeats"),
    CommandEntry("scoring-engine", "nouns.command", "list the scoring engines"),
    CommandEntry("event", "nouns.command", "list the events, or follow them"),
    CommandEntry("completion", "completion", "print a script that completes commands in a shell"),
    CommandEntry("cluster", "cluster", "show, list and export cluster models"),
    CommandEntry("plugins", "plugins", "list the installed plug-ins and their problems"),
    CommandEntry("sim", "sim", "serve a simulated OpenStack"),
    CommandEntry("db", "db", "upgrade or check the database schema"),
    CommandEntry("projections", "projections", "show or rebuild the read models"),
    CommandEntry("seal", "seal", "make keys, verify the sealed log, prove what happened"),
    CommandEntry("notifications", "notifications", "show and resend Vigil's notifications"),
    CommandEntry("records", "records", "delete stored records that nothing refers to"),
    CommandEntry("version", "version", "print the versions of Vigil and Python"),
)


class _ShowVersion(argparse.Action):
    """Prints the version and exits; reads it only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Ends the process."""
        # Only here: it reads the metadata of the installed packages.
        from interfaces.cli.version import version_line  # noqa: PLC0415

        print(version_line())
        parser.exit()


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line.

    Args:
        only: the command whose arguments are declared (the others are only listed); None: all.
    """
    parser = Parser(
        prog="vigil",
        description="Optimises OpenStack clouds and can prove every decision it ever made.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_ShowVersion, help="print the version and exit")
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
    if argv is None:  # this process is the command
        os.umask(PRIVATE)
    _escape_unencodable()
    named = next((word for word in words if not word.startswith("-")), "")
    try:
        args = build_parser(only=named).parse_args(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    return run_command(args)


def run_command(args: argparse.Namespace) -> int:
    """Runs the function ``args.run``; every error becomes a message and an exit code."""
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _close_output()
    except Exception as error:  # noqa: BLE001 - every error ends in a message
        code = _code(error)
        return _report(args, error, FAILED if code is None else code, unexpected=code is None)


def _code(error: Exception) -> int | None:
    """The exit code of an error, None if it is unexpected.

    What the command has not imported cannot have raised it.
    """
    if isinstance(error, CommandFailed):
        return error.code
    settings = sys.modules.get("infrastructure.settings")
    if settings is not None and isinstance(error, settings.SettingsError):
        return USAGE
    client = sys.modules.get("interfaces.client.errors")
    if client is None or not isinstance(error, client.ClientError):
        return None
    if isinstance(error, client.ApiError):
        return NOT_FOUND if error.status == HTTPStatus.NOT_FOUND else REFUSED
    return UNREACHABLE


def _escape_unencodable() -> None:
    """Prints characters that the terminal's encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _report(
    args: argparse.Namespace, error: Exception, code: int, *, unexpected: bool = False
) -> int:
    if getattr(args, "debug", False):
        logging.getLogger(__name__).error("the command failed", exc_info=error)
    text = " ".join(str(error).split()) or type(error).__name__
    if unexpected:
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    report(text, getattr(error, "hint", None))
    return code


def _close_output() -> int:
    """The reader closed the pipe: discards what Python would write at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


if __name__ == "__main__":
    sys.exit(main())
