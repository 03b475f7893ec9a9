"""The output of the demo: plain lines of at most 80 columns, with a little colour on a terminal."""

from collections.abc import Iterable, Mapping
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from interfaces.demo.installation import DemoCloud

WIDTH = 80
"""Columns of texts and tables."""


class DemoOutput:
    """Prints what the demo does.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(WIDTH, console.width)
        self._act = 0

    def act(self, text: str) -> None:
        """Prints the heading of the next act."""
        self._act += 1
        self.console.print(Text(f"\n{self._act}. {text}", style="bold cyan"))

    def text(self, text: str) -> None:
        """Prints a text."""
        self.lines(wrap(text, self.width, break_long_words=False, break_on_hyphens=False))

    def lines(self, lines: Iterable[str]) -> None:
        """Prints lines as they are."""
        for line in lines:
            self.console.print(Text(line), soft_wrap=True)

    def start(self, cloud: DemoCloud) -> None:
        """Says what is started, and what the speed of the simulated cloud means."""
        self.text(
            f"A simulated OpenStack: {cloud.hosts} hosts, {cloud.servers} servers, seed "
            f"{cloud.seed}. Its clock runs {cloud.speed:g} times as fast as yours: what takes a "
            f"minute there takes {60 / cloud.speed:.2g} s here. Vigil runs at its real speed, and "
            "uses this cloud through the same APIs as a real one."
        )

    def figures(self, found: Mapping[str, float]) -> None:
        """Prints what is true now."""
        width = max(map(len, found))
        self.lines(f"  {name:<{width}}  {_figure(value):>8}" for name, value in found.items())

    def result(self, before: Mapping[str, float], after: Mapping[str, float]) -> None:
        """Prints what was true before, and what is true now."""
        width = max(map(len, before))
        self.lines([f"  {'':<{width}}  {'before':>8}  {'after':>8}"])
        for name, old in before.items():
            new = after.get(name)
            shown = "-" if new is None else _figure(new)
            line = Text(f"  {name:<{width}}  {_figure(old):>8}  ")
            line.append(f"{shown:>8}", "bold" if new != old else "")
            self.console.print(line)

    def commands(self, commands: Mapping[str, str]) -> None:
        """Prints commands, and what each does."""
        width = max(map(len, commands))
        fits = width + 4 + max(map(len, commands.values())) <= self.width
        for command, what in commands.items():
            if fits:
                self.lines([f"  {command:<{width}}  # {what}"])
            else:
                self.lines([f"  # {what}", f"  {command}"])


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
