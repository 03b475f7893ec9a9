"""The part of the app that draws, moves, and reads the API in threads."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widget import Widget

from interfaces.client import ClientError, VigilClient
from interfaces.terminal.dialogs import Reading
from interfaces.terminal.viewer.feed import Clock, Feed
from interfaces.terminal.viewer.frame import frame
from interfaces.terminal.viewer.keys import KEYS
from interfaces.terminal.viewer.listing import Document, Subject
from interfaces.terminal.viewer.pages import Page, Pages
from interfaces.terminal.viewer.picture import Picture
from interfaces.terminal.viewer.viewer import PANES, Viewer

T = TypeVar("T")
TICK = 1.0
"""Seconds between two drawings: ages grow although nothing arrives."""
READ = frozenset({"audit", "plan", "action", "host", "server", "events", "list"})
"""Kinds of subjects that have a page."""


@dataclass(frozen=True)
class Tools:
    """What the viewer needs.

    Attributes:
        connect: a new client of the API, for one thread.
        clock: the time.
        interval: seconds between two refreshes without events.
        replay: runs the debugger at a position or an id until the user leaves it; a text says
            why there is no database to read.
    """

    connect: Callable[[], VigilClient]
    clock: Clock
    interval: float
    replay: Callable[[str], None] | str


class Canvas(Widget):
    """The whole screen."""

    def __init__(self, draw: Callable[[int, int], Iterable[Text]]) -> None:
        super().__init__()
        self._draw = draw

    def render(self) -> Text:
        """Its lines."""
        width, height = self.size
        lines = self._draw(width, height) if width and height else ()
        return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


class Viewing(App[None]):
    """Shows an installation of Vigil.

    Args:
        feed: what is shown; a thread of the app keeps it new.
        tools: what the app needs.
    """

    CSS = "Screen { overflow: hidden; } Canvas { height: 100%; width: 100%; }"
    TITLE = "vigil status"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.names, key.action, key.help, show=False) for key in KEYS),
        *(
            Binding(str(number), f"pane({number})", show=False)
            for number in range(1, len(PANES) + 1)
        ),
    ]

    def __init__(self, feed: Feed, tools: Tools) -> None:
        super().__init__()
        self.animation_level = "none"
        self.viewer = Viewer(feed.picture)
        self.feed = feed
        self.tools = tools
        self._api = tools.connect()
        self._is_free = threading.Lock()
        self._canvas = Canvas(self._draw)

    def compose(self) -> ComposeResult:
        """One widget draws everything."""
        yield self._canvas

    def on_mount(self) -> None:
        """Begins to follow the installation."""
        self.set_interval(TICK, self._canvas.refresh)
        self.feed.changed = self._arrived
        _start(lambda: self.feed.poll(self.tools.interval))
        _start(lambda: self.feed.follow(self.tools.connect()))

    def on_unmount(self) -> None:
        """Ends the threads."""
        self.feed.stop()
        self._api.close()

    def _draw(self, width: int, height: int) -> list[Text]:
        return frame(self.viewer, self.tools.clock.now(), width, height)

    def say(self, message: str = "") -> None:
        """Shows a message instead of the keys, and draws again."""
        self.viewer.message = message
        self._canvas.refresh()

    def _arrived(self, picture: Picture) -> None:
        """Shows a new picture; called in the thread that made it."""
        if self.is_running:
            self.call_from_thread(self._show, picture)

    def _show(self, picture: Picture) -> None:
        has_moved = picture.overview is not self.viewer.picture.overview
        self.viewer.show(picture)
        self._canvas.refresh()
        if has_moved and self.viewer.opened:
            self.read_page(self.viewer.opened[-1].page.subject, again=True)

    # -- reading -----------------------------------------------------------------------------------

    def call(self, work: Callable[[VigilClient], T], then: Callable[[T], None]) -> None:
        """Asks the API in a thread; then uses the answer, or says why there is none."""

        def run() -> None:
            with self._is_free:
                try:
                    answer = work(self._api)
                except ClientError as error:
                    self.call_from_thread(self.say, str(error))
                else:
                    self.call_from_thread(then, answer)

        _start(run)

    def read_page(self, subject: Subject, *, again: bool = False) -> None:
        """Opens a page, or reads it again."""
        picture = self.viewer.picture

        def opened(page: Page) -> None:
            shown = self.viewer.opened[-1].page.subject if self.viewer.opened else None
            if again and shown != page.subject:
                return  # the user has left it meanwhile
            self.viewer.open(page)
            self.say(self.viewer.message if again else "")

        self.call(lambda api: Pages(api, picture).open(subject), opened)

    def read(self, name: str, lines: Callable[[VigilClient], Iterable[str]]) -> None:
        """Shows a text on a screen of its own."""
        self.say("reading …")

        def shown(text: list[str]) -> None:
            self.say()
            self.push_screen(Reading(name, text))

        self.call(lambda api: list(lines(api)), shown)

    @property
    def chosen(self) -> tuple[Subject, Document] | None:
        """What is selected, and its row."""
        rows = self.viewer.rows
        if rows.subject is None or rows.selected is None:
            return None
        return rows.subject, rows.selected

    # -- moving ------------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Selects another row; on the map, the host above or below."""
        if self.viewer.is_map:
            self.viewer.move_on_map(0, step)
        else:
            self.viewer.rows.move(step)
        self._moved()

    def action_page(self, step: int) -> None:
        """Goes half a screen further."""
        self.viewer.rows.move(step * max(1, self.size.height // 2))
        self._moved()

    def action_edge(self, step: int) -> None:
        """Goes to the first or last row."""
        self.viewer.rows.move(step * max(1, self.viewer.rows.total))
        self._moved()

    def _moved(self) -> None:
        """The other panes of the first screen follow the selected plan."""
        plan = self.viewer.panes["plans"].subject
        if plan is not None:
            self.feed.choose(plan.id)
        self.say()

    def action_side(self, step: int) -> None:
        """Selects the host beside the selected one, or another pane."""
        if self.viewer.is_map:
            self.viewer.move_on_map(step, 0)
            self.say()
        else:
            self.action_tab(step)

    def action_tab(self, step: int) -> None:
        """Gives the keys to another pane."""
        self.viewer.tab(step)
        self.say()

    def action_pane(self, number: int) -> None:
        """Gives the keys to a pane."""
        self.viewer.opened.clear()
        self.viewer.focus = list(PANES)[number - 1]
        self.say()

    def action_leave(self) -> None:
        """Closes a page, or ends a filter."""
        self.viewer.back()
        self.say()

    def action_sort(self) -> None:
        """Sorts by the next column."""
        self.viewer.rows.sort()
        self.say()

    def action_reverse(self) -> None:
        """Turns the order round."""
        self.viewer.rows.reverse()
        self.say()

    def action_resource(self) -> None:
        """Shows another resource of the hosts."""
        self.viewer.next_resource()
        self.say()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel moves."""
        del event
        self.action_move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel moves."""
        del event
        self.action_move(-1)


def _start(work: Callable[[], None]) -> None:
    """Runs work in a thread that does not keep the process alive."""
    threading.Thread(target=work, daemon=True).start()
