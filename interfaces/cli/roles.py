"""The commands that run one role of Vigil until they are told to stop."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from application.ports.cloud import CloudRefused
from infrastructure.event_log import SchemaError
from infrastructure.notifications.listener import NotInstalled
from infrastructure.settings import SettingsError
from infrastructure.signals import answered
from infrastructure.supervision import inherited
from infrastructure.supervision.child import READY_FILE
from interfaces.bootstrap.roles import run_role
from interfaces.cli.alarm import alarm
from interfaces.cli.common import add_settings, load_settings, set_up_logging
from interfaces.cli.errors import CommandFailed

WOKEN = frozenset({"relay", "decision-engine", "applier"})
"""Roles that talk to NATS."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of a role."""
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the role that the command is named after."""
    loaded = load_settings(args)
    if args.command in WOKEN and loaded.settings.nats.url is None:
        raise SettingsError(
            "[vigil] nats_url: must be set for a role that runs alone (`vigil up` starts a server)"
        )
    if args.command == "listener" and loaded.settings.notifications.url is None:
        raise SettingsError(
            "[DEFAULT] transport_url: must be set for a listener (docs/notifications.md)"
        )
    set_up_logging(loaded, args.command, f"{loaded.settings.host}/{os.getpid()}")
    if args.command == "api" and loaded.settings.api.authentication_warning is not None:
        alarm(loaded.settings.api.authentication_warning, sys.stderr)
    stop = threading.Event()
    # gunicorn answers signals by itself
    signals = () if args.command == "api" else (signal.SIGTERM, signal.SIGINT)
    try:
        with answered(dict.fromkeys(signals, stop.set)):
            return run_role(args.command, loaded.settings, stop, _say_ready, inherited())
    except (SchemaError, CloudRefused, NotInstalled) as error:
        raise CommandFailed(str(error)) from error


def _say_ready() -> None:
    """Tells a supervisor that the role has what it needs and goes to work."""
    path = os.environ.get(READY_FILE)
    if path:
        Path(path).write_text(f"{os.getpid()}\n", encoding="utf-8")
