"""Arguments that several commands have, the settings that they give, and logging."""

import argparse
import json
import os
import re
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infrastructure import logs
from infrastructure.clock import SystemClock

if TYPE_CHECKING:
    from infrastructure.settings import LoadedSettings

FLAGS = {
    "data": "vigil.data_dir",
    "database": "database.connection",
    "log_level": "vigil.log_level",
    "log_format": "vigil.log_format",
}
"""Arguments that set an option."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
SHORTEST = 0.1
"""Seconds between two screens of `vigil status`, at least."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that set options."""
    group = parser.add_argument_group("settings")
    group.add_argument("--data", metavar="DIR", help="data directory (.vigil/up)")
    group.add_argument(
        "--database", metavar="URL", help="database URL: sqlite:///FILE or postgresql://…"
    )
    add_options(group)
    group.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error")
    group.add_argument("--log-format", metavar="FORMAT", help="human or json")
    group.add_argument("--debug", action="store_true", help="log debug messages; show tracebacks")


def add_options(group: Any) -> None:
    """Declares the arguments that name configuration files and set single options."""
    group.add_argument(
        "--config-file",
        metavar="FILE",
        action="append",
        type=Path,
        help="configuration file; may be repeated, later files win",
    )
    group.add_argument(
        "--set",
        metavar="SECTION.NAME=VALUE",
        action="append",
        default=[],
        dest="assignments",
        type=_assignment,
        help="set any option (see `vigil config`)",
    )


def _assignment(text: str) -> tuple[str, str]:
    place, equals, value = text.partition("=")
    if not equals or "." not in place:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form SECTION.NAME=VALUE")
    return place.strip(), value


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Declares ``--param``."""
    parser.add_argument(
        "--param",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_parameter,
        help="parameter of the strategy; VALUE is JSON, or text if it is not valid JSON",
    )


def _parameter(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def moment(text: str) -> int | datetime:
    """A log position, or a time as ``past_time``."""
    if text.isdecimal() and text.isascii():
        return int(text)
    try:
        return past_time(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a log position nor a time (ISO 8601, or how long ago: 10m)"
        ) from None


def past_time(text: str) -> datetime:
    """A time, or how long ago (``10m``); UTC if it has no offset."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return SystemClock().now() - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time (ISO 8601) nor a duration such as 90s, 10m, 2h or 3d"
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def count(text: str) -> int:
    """A whole number, zero or more."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return value


def positive(text: str) -> int:
    """A whole number, one or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def pause(text: str) -> float:
    """Seconds between two screens, at least SHORTEST."""
    value = float(text)
    if not value >= SHORTEST:
        raise argparse.ArgumentTypeError(f"must be at least {SHORTEST} seconds")
    return value


def add_flag(parser: Any, flag: str, place: str, metavar: str, text: str) -> None:
    """Declares an argument that sets an option (``--flag X`` = ``--set place=X``)."""
    parser.add_argument(
        flag,
        metavar=metavar,
        action="append",
        dest="assignments",
        type=lambda value: (place, value),
        help=text,
    )


def load_settings(
    args: argparse.Namespace, extra: dict[str, str] | None = None
) -> "LoadedSettings":
    """Loads the settings from the arguments, the environment and the files.

    Args:
        args: of a parser with ``add_settings``.
        extra: ``section.name`` → text; has precedence over the arguments.
    """
    # Only here: a help text needs no settings.
    from infrastructure.settings import load  # noqa: PLC0415

    flags = {place: value for name, place in FLAGS.items() if (value := getattr(args, name, None))}
    flags.update(dict(args.assignments or []))
    if args.debug:
        flags["DEFAULT.debug"] = "true"
    flags.update(extra or {})
    return load(flags=flags, environ=os.environ, files=args.config_file)


def locate(args: argparse.Namespace) -> "LoadedSettings":
    """Loads the settings, with the database of the `vigil up` that uses or used the data directory.

    An explicit database setting has precedence.
    """
    from infrastructure.supervision import state  # noqa: PLC0415 - a help text needs none

    loaded = load_settings(args)
    found = state.read(loaded.settings.data_dir)
    if found is None or loaded.chosen("database", "connection"):
        return loaded
    return load_settings(args, {"database.connection": found.database})


def repeated(args: argparse.Namespace) -> str:
    """The arguments that find the same installation, for a command that is shown as a hint."""
    words = ["--data", args.data] if args.data else []
    for file in args.config_file or []:
        words += ["--config-file", str(file)]
    return shlex.join(words)


def set_up_logging(loaded: "LoadedSettings", role: str, instance: str = "") -> None:
    """Configures logging from the settings."""
    settings = loaded.settings
    logs.configure(
        role=role,
        instance=instance,
        level="debug" if settings.debug else settings.log.level,
        form=settings.log.format,
        name_role="VIGIL_READY_FILE" not in os.environ,
    )


def quiet_logging(args: argparse.Namespace, role: str) -> None:
    """Configures logging for commands that print for people: warnings only, unless --debug."""
    logs.configure(role=role, level="debug" if args.debug else "warning", stream=sys.stderr)
