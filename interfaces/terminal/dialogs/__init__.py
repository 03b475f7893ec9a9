"""The screens that lie over the panes of the viewer and of the debugger."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label, Static

Complete = Callable[[str], Iterable[str]]
"""Beginning of a line → whole lines that begin so, best first."""


class Reading(ModalScreen[None]):
    """A text of any length.

    Args:
        name: its title.
        lines: of the text; long ones are wrapped.
    """

    CSS = """
    Reading { layout: vertical; background: $background; padding: 0 1; }
    Reading > Static { height: 1; }
    Reading VerticalScroll { height: 1fr; }
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
        about: shown above it, if any: what is asked.
        complete: completes the line; the key → accepts it.
        changed: called at each change of the line.
        value: what stands in the line at first.
    """

    CSS = """
    Asking { background: transparent; align: left bottom; }
    Asking Static { background: $panel; padding: 0 1; }
    Asking Horizontal { height: 1; background: $panel; }
    Asking Label { width: auto; }
    Asking Input { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back", show=False)]

    def __init__(
        self,
        sign: str,
        about: Sequence[str] = (),
        *,
        complete: Complete | None = None,
        changed: Callable[[str], None] | None = None,
        value: str = "",
    ) -> None:
        super().__init__()
        self._sign = sign
        self._about = about
        self._suggester = None if complete is None else _Completion(complete)
        self._changed = changed
        self._value = value

    def compose(self) -> ComposeResult:
        """What is asked, the sign and the line."""
        if self._about:
            yield Static(Text("\n".join(self._about)))
        with Horizontal():
            yield Label(Text(self._sign))
            yield Input(self._value, compact=True, suggester=self._suggester, select_on_focus=False)

    def on_mount(self) -> None:
        """Keys go into the line."""
        self.query_one(Input).focus()

    def on_key(self, event: Key) -> None:
        """Keys that are pressed before the line has the focus go into it, too."""
        line = self.query_one(Input)
        if event.is_printable and event.character is not None and not line.has_focus:
            line.insert_text_at_cursor(event.character)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The line has another text."""
        if self._changed is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The line is entered."""
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Nothing is entered."""
        self.dismiss(None)


class _Completion(Suggester):
    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The best completion."""
        return next(iter(self._complete(value)), None)
