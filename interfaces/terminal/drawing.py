"""Lines of text that fit a pane, for every screen."""

from collections.abc import Iterator, Sequence

from rich.text import Text

BLUE, ORANGE = "#56b4e9", "#e69f00"
"""Colours that colour-blind people tell apart; signs say the same without colours."""


def title(name: str, about: str, width: int) -> Text:
    """The first line of a pane."""
    line = clipped(Text.assemble(("── ", "dim"), (name, "bold"), f"  {about} "), width)
    return line.append("─" * (width - line.cell_len), "dim")


def clipped(line: Text, width: int) -> Text:
    """A line that fits; an ellipsis shows that something is missing."""
    line.truncate(max(width, 1), overflow="ellipsis")
    line.no_wrap = True
    return line


def fitting(lines: Iterator[Text] | Sequence[Text], width: int, height: int) -> list[Text]:
    """As many lines as fit; the last one says how many do not."""
    every = list(lines)
    if len(every) <= height:
        return every
    more = f"… {len(every) - height + 1} more (Enter shows all)"
    return [*every[: max(height - 1, 0)], clipped(Text(more, "dim"), width)][:height]
