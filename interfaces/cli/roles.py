"""The commands that run one role of Vigil until SIGTERM or SIGINT."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from application.ports.cloud import CloudRefused
from infrastructure.event_log import SchemaError
from infrastructure.notifications.listener import NotInstalled
from infrastructure.settings import LoadedSettings, Settings, SettingsError
from infrastructure.signals import handled_signals
from infrastructure.supervision import inherited_socket
from infrastructure.supervision.child import READY_FILE
from interfaces.bootstrap.roles import run_role
from interfaces.cli.alarm import alarm
from interfaces.cli.arguments import add_settings, load_settings, set_up_logging
from interfaces.cli.errors import report_errors
from interfaces.cli.ports import listener

LOG = logging.getLogger(__name__)
NEED_NATS = frozenset({"relay", "decision-engine", "applier"})
"""Roles that connect to NATS."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of a role."""
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the role that the command is named after."""
    return run_loaded(args.command, load_settings(args))


def run_loaded(role: str, loaded: LoadedSettings) -> int:
    """Runs a role with settings that are loaded already."""
    _check(role, loaded.settings)
    set_up_logging(loaded, role, f"{loaded.settings.host}/{os.getpid()}")
    if READY_FILE not in os.environ:  # `vigil up` has said it
        for line in loaded.unused():
            LOG.warning("%s", line)
    if role == "api" and loaded.settings.api.authentication_warning is not None:
        alarm(loaded.settings.api.authentication_warning, sys.stderr)
    stop = threading.Event()
    # gunicorn installs its own signal handlers
    signals = () if role == "api" else (signal.SIGTERM, signal.SIGINT)
    with (
        report_errors(SchemaError, CloudRefused, NotInstalled),
        handled_signals(dict.fromkeys(signals, stop.set)),
    ):
        return run_role(role, loaded.settings, stop, _report_ready, _listener(role, loaded))


def _check(role: str, settings: Settings) -> None:
    needs_nats = role in NEED_NATS or (role == "notifier" and settings.notifier.nats)
    if needs_nats and settings.nats.url is None:
        raise SettingsError(
            "[vigil] nats_url: must be set for a role that runs alone (`vigil up` starts a server)"
        )
    if role == "listener" and settings.notifications.url is None:
        raise SettingsError(
            "[DEFAULT] transport_url: must be set for a listener (docs/notifications.md)"
        )
    if role == "notifier" and not settings.notifier.is_on:
        raise SettingsError(
            "[oslo_messaging_notifications] driver, [vigil] nats_notifications or [vigil] webhooks:"
            " one must be set for a notifier, and [DEFAULT] notification_level must not be off "
            "(docs/notifications.md)"
        )


def _listener(role: str, loaded: LoadedSettings) -> socket.socket | None:
    """The socket on which the API accepts connections; None for the other roles."""
    api = loaded.settings.api
    if role != "api":
        return None
    return inherited_socket() or listener("api", "port", api.host, api.port)


def _report_ready() -> None:
    """Reports to a supervisor that the role starts to work."""
    path = os.environ.get(READY_FILE)
    if path:
        Path(path).write_text(f"{os.getpid()}\n", encoding="utf-8")
