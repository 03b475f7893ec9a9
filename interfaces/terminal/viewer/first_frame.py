"""The first frame, drawn before the library that handles keys is loaded."""

import sys

from rich.console import Console

from infrastructure.clock import SystemClock
from interfaces.terminal.viewer.feed import Feed
from interfaces.terminal.viewer.frame import frame
from interfaces.terminal.viewer.viewer import Viewer

ALTERNATE = "\x1b[?1049h\x1b[?25l\x1b[H"
"""The alternate screen, without a cursor; the library ends it."""


def show_first(feed: Feed) -> None:
    """Reads what the first screen shows, and draws it on the terminal."""
    feed.refresh()
    console = Console(highlight=False)
    lines = frame(Viewer(feed.picture), SystemClock().now(), *console.size)
    with console.capture() as drawn:
        for number, line in enumerate(lines):
            console.print(line, end="" if number == len(lines) - 1 else "\n", soft_wrap=True)
    sys.stdout.write(ALTERNATE + drawn.get())
    sys.stdout.flush()
