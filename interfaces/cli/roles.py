"""The commands that run one role of Vigil until they are told to stop."""

import argparse
import os
import signal
import threading
from pathlib import Path

from infrastructure.supervision.child import READY_FILE
from interfaces.bootstrap import run_role
from interfaces.cli.common import add_settings, load_settings, set_up_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of a role."""
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the role that the command is named after."""
    loaded = load_settings(args)
    set_up_logging(loaded, args.command, f"{loaded.settings.host}/{os.getpid()}")
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    _say_ready()
    return run_role(args.command, loaded.settings, stop)


def _say_ready() -> None:
    """Tells a supervisor that settings were read and everything was imported."""
    path = os.environ.get(READY_FILE)
    if path:
        Path(path).write_text(f"{os.getpid()}\n", encoding="utf-8")
