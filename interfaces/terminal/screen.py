"""`vigil status` on a terminal: redrawn in place until Ctrl-C."""

import signal
import threading
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from application.queries.overview import Overview
from infrastructure.signals import answered
from interfaces.terminal.frame import frame


def watch(
    console: Console, look: Callable[[], Overview], interval: float, stop: threading.Event
) -> None:
    """Shows what is going on until ``stop`` is set or Ctrl-C is pressed.

    Args:
        console: the terminal.
        look: gathers a view; never raises for a database that is away.
        interval: seconds between two looks; a resized window is redrawn at once.
        stop: ends it.
    """
    resized = threading.Event()

    def end() -> None:
        # never an exception in the middle of a drawing: the terminal would be left as it is
        stop.set()
        resized.set()

    with answered({signal.SIGWINCH: resized.set, signal.SIGINT: end}):
        view = look()
        with Live(
            frame(view, *console.size),
            console=console,
            screen=True,
            auto_refresh=False,
            vertical_overflow="crop",
        ) as live:
            while not stop.is_set():
                if not resized.wait(interval):
                    view = look()
                resized.clear()
                live.update(frame(view, *console.size), refresh=True)
