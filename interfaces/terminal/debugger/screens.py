"""The screens that lie over the panes: a text to read, a line to enter."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static


class Reading(ModalScreen[None]):
    """A text of any length.

    Args:
        name: its title.
        lines: of the text; long ones are wrapped.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark", "dismiss", "back", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, name: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title = name
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The title and the text."""
        yield Static(Text.assemble((self._title, "bold"), ("  Esc goes back", "dim")))
        with VerticalScroll():
            yield Static(Text("\n".join(self._lines)))

    def on_mount(self) -> None:
        """PgUp, PgDn, Home and End scroll."""
        self.query_one(VerticalScroll).focus()

    def action_scroll(self, lines: int) -> None:
        """Scrolls by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


class Asking(ModalScreen[str | None]):
    """A line to enter, at the bottom.

    Args:
        sign: before the line.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back", show=False)]

    def __init__(self, sign: str) -> None:
        super().__init__()
        self._sign = sign

    def compose(self) -> ComposeResult:
        """The sign and the line."""
        with Horizontal():
            yield Label(self._sign)
            yield Input(compact=True)

    def on_mount(self) -> None:
        """Keys go into the line."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The line is entered."""
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Nothing is entered."""
        self.dismiss(None)
