"""`vigil status` on a terminal: redrawn until Ctrl-C."""

import signal
import threading
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from application.queries.overview import Overview
from infrastructure.signals import handled_signals
from interfaces.terminal.frame import frame


def watch(
    console: Console, overview: Callable[[], Overview], interval: float, stop: threading.Event
) -> None:
    """Shows the state of the installation until ``stop`` is set or Ctrl-C is pressed.

    Args:
        console: the terminal.
        overview: reads the state; does not raise if the database is unreachable.
        interval: seconds between two updates; a resized window is redrawn at once.
        stop: ends the display.
    """
    resized = threading.Event()

    def end() -> None:
        # an exception while drawing would leave the terminal in a bad state
        stop.set()
        resized.set()

    with handled_signals({signal.SIGWINCH: resized.set, signal.SIGINT: end}):
        view = overview()
        with Live(
            frame(view, *console.size),
            console=console,
            screen=True,
            auto_refresh=False,
            vertical_overflow="crop",
        ) as live:
            while not stop.is_set():
                if not resized.wait(interval):
                    view = overview()
                resized.clear()
                live.update(frame(view, *console.size), refresh=True)
