"""Lists of the viewer: what a row is, how it is drawn, and where the user stands in one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.text import Text

from infrastructure.logs import one_line
from interfaces.terminal.drawing import clipped

Document = Mapping[str, Any]
"""A JSON object of the API."""


class Subject(NamedTuple):
    """What a row stands for.

    Attributes:
        kind: audit, plan, action, server, host, event, role or fault.
        id: as the API takes it.
        name: for people.
    """

    kind: str
    id: str
    name: str = ""


class Column(NamedTuple):
    """A column of a list.

    Attributes:
        title: its head.
        draw: the cell of a row; a text or a styled text.
        key: sorts rows; None if the list cannot be sorted by it.
        least, most: widths of the pane from which on, and up to which, the column is shown.
        right: whether its cells stand at the right edge.
    """

    title: str
    draw: Callable[[Document], Text | str]
    key: Callable[[Document], Any] | None = None
    least: int = 0
    right: bool = False
    most: int = 10_000


@dataclass(frozen=True)
class Listing:
    """A kind of list. The last column gets the remaining width.

    Attributes:
        name: its title.
        subject: what a row stands for.
        words: what a filter searches in.
        empty: shown if there is no row.
        tail: whether the newest row, the last one, is shown as long as the user selects none.
    """

    name: str
    columns: tuple[Column, ...]
    subject: Callable[[Document], Subject]
    words: Callable[[Document], str]
    empty: str = "none"
    tail: bool = False


class Rows:
    """The rows of a list, filtered and sorted; one of them is selected.

    Args:
        listing: what kind of list.

    Attributes:
        about: shown beside the title.
        unknown: why the rows are not known; empty if they are.
        filter: see ``search``.
        shown: the rows that match it.
        place: of the selected row among these.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.about = self.unknown = ""
        self.filter = ""
        self.sorted_by: Column | None = None
        self.is_reversed = False
        self.place = 0
        self.shown: list[Document] = []
        self._items: Sequence[Document] = ()
        self._words: list[str] | None = None
        self._is_at_end = listing.tail

    @property
    def total(self) -> int:
        """The number of rows without the filter."""
        return len(self._items)

    @property
    def selected(self) -> Document | None:
        """The selected row."""
        return self.shown[self.place] if self.shown else None

    @property
    def subject(self) -> Subject | None:
        """What the selected row stands for."""
        return None if self.selected is None else self.listing.subject(self.selected)

    def show(self, items: Sequence[Document]) -> None:
        """Replaces the rows; the selected one stays selected if it is still there."""
        self._items = items
        self._words = None
        self._arrange()

    def search(self, text: str) -> None:
        """Shows only rows with all words of a text; ``!word``: only those without it."""
        self.filter = text
        self._arrange()

    def sort(self) -> None:
        """Sorts by the next column; after the last one, in the original order."""
        order = [None, *(one for one in self.listing.columns if one.key is not None)]
        self.sorted_by = order[(order.index(self.sorted_by) + 1) % len(order)]
        self._arrange()

    def reverse(self) -> None:
        """Turns the order round."""
        self.is_reversed = not self.is_reversed
        self._arrange()

    def move(self, step: int) -> None:
        """Selects another row."""
        self.place = max(0, min(len(self.shown) - 1, self.place + step))
        self._is_at_end = self.listing.tail and self.place >= len(self.shown) - 1

    def select(self, kind: str, ident: str) -> bool:
        """Selects what has an id; returns whether it is shown."""
        for place, row in enumerate(self.shown):
            if self.listing.subject(row)[:2] == (kind, ident):
                self.place = place
                self.move(0)
                return True
        return False

    def window(self, height: int) -> list[tuple[Document, bool]]:
        """As many rows as fit around the selected one, and whether each is selected."""
        first = max(0, min(self.place - height // 2, len(self.shown) - height))
        shown = self.shown[first : first + max(0, height)]
        return [(row, first + number == self.place) for number, row in enumerate(shown)]

    def _arrange(self) -> None:
        before = self.subject
        self.shown = self._found()
        if self.sorted_by is not None and self.sorted_by.key is not None:
            key = self.sorted_by.key
            self.shown.sort(key=lambda row: _sortable(key(row)))
        if self.is_reversed:
            self.shown.reverse()
        if self._is_at_end or before is None or not self.select(before.kind, before.id):
            self.place = len(self.shown) - 1 if self._is_at_end else self.place
            self.place = max(0, min(len(self.shown) - 1, self.place))

    def _found(self) -> list[Document]:
        words = self.filter.casefold().split()
        if not words:
            return list(self._items)
        if self._words is None:
            self._words = [self.listing.words(row).casefold() for row in self._items]
        wanted = [word for word in words if word[0] != "!"]
        unwanted = [word[1:] for word in words if word[0] == "!" and word[1:]]
        return [
            row
            for row, text in zip(self._items, self._words, strict=True)
            if all(word in text for word in wanted) and not any(word in text for word in unwanted)
        ]


def _sortable(value: Any) -> tuple[bool, Any]:
    """A key with which unknown values come last."""
    return value is None, 0 if value is None else value


def table(rows: Rows, width: int, height: int, *, focused: bool) -> list[Text]:
    """The rows that fit, under the heads of their columns if there is room.

    Args:
        rows: what to draw.
        width: columns.
        height: lines.
        focused: whether the selected row is marked.
    """
    if height <= 0:
        return []
    if not rows.shown:
        return [clipped(Text(f"  {_empty(rows)}", "dim"), width)]
    columns = [one for one in rows.listing.columns if one.least <= width <= one.most]
    with_heads = height > HEADED
    window = rows.window(height - 1 if with_heads else height)
    cells = [[_cell(one.draw(row)) for one in columns] for row, _ in window]
    heads = [Text(one.title, "dim") for one in columns]
    widths = [
        max([line[place].cell_len for line in cells] + [heads[place].cell_len] * with_heads)
        for place in range(len(columns))
    ]
    found = [_line(" ", heads, columns, widths, width)] if with_heads else []
    for (_, is_selected), line in zip(window, cells, strict=True):
        is_marked = is_selected and focused
        text = _line(">" if is_marked else " ", line, columns, widths, width)
        if is_marked:
            text = Text(text.plain.ljust(width), "reverse", no_wrap=True)
        found.append(text)
    return found


HEADED = 5
"""Lines from which the heads of columns are shown: more than this."""


def _empty(rows: Rows) -> str:
    if rows.unknown:
        return rows.unknown
    if rows.total:
        return f"none of {rows.total} matches {one_line(rows.filter)!r}; / changes the filter"
    return rows.listing.empty


def _cell(value: Text | str) -> Text:
    """The text of a cell without unsafe characters; one that has some loses its inner colours."""
    text = Text(value) if isinstance(value, str) else value
    plain = one_line(text.plain)
    return text if plain == text.plain else Text(plain, style=text.style)


def _line(
    mark: str, cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int], width: int
) -> Text:
    line = Text(mark)
    for place, (cell, column) in enumerate(zip(cells, columns, strict=True)):
        gap = " " * (widths[place] - cell.cell_len)
        is_last = place == len(cells) - 1
        line.append(gap if column.right else "").append_text(cell)
        line.append("" if column.right or is_last else gap).append("" if is_last else " ")
    return clipped(line, width)
