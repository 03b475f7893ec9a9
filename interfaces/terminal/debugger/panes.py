"""The panes of the debugger: what they draw, and how they follow the selected line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from application.ports.event_log import EventLogUnavailable, ReadOnlyLog
from application.ports.records import RecordStore
from application.replay.aggregate_history import NoSuchMoment
from application.replay.debugger.lines import Line
from application.replay.debugger.session import Session, State
from infrastructure.logs import one_line
from interfaces.terminal.debugger.drawing import header, host_lines, list_lines, state_lines
from interfaces.terminal.drawing import clipped, fitting, title

if TYPE_CHECKING:  # it needs all of a decision, which the first screen does not
    from application.replay.debugger.host_map import HostMap

HINT = "? help · [ ] same object · ← → hosts · t tree · w why · / search · : command"
STYLE = """
Screen { layout: vertical; overflow: hidden; }
#header, #footer { height: 1; }
#body { height: 1fr; layout: grid; grid-gutter: 0 2; }
.-narrow #body { grid-size: 1 2; grid-rows: 3fr 2fr; }
.-narrow #hosts { display: none; }
.-medium #body { grid-size: 2 2; }
.-medium #list { column-span: 2; }
.-wide #body { grid-size: 2 2; }
.-wide #list { row-span: 2; }
#body.-map { grid-size: 1 1; grid-rows: 1fr; }
#body.-map #list, #body.-map #state { display: none; }
#body.-map #hosts { display: block; column-span: 1; row-span: 1; }
"""


@dataclass(frozen=True)
class Tools:
    """What the debugger needs beside the log.

    Attributes:
        records: opens the stored records.
        place: the position that a user names by a position, a time, an id or a name.
        until: the first position after one at which a condition becomes true; None if never.
        settings: arguments that open the same history in a shell.

    ``place`` and ``until`` read the given log, and raise ``Refused``.
    """

    records: Callable[[], RecordStore]
    place: Callable[[ReadOnlyLog, str], int]
    until: Callable[[ReadOnlyLog, str, int], int | None]
    settings: Sequence[str] = ()


class Look(NamedTuple):
    """What a line shows: the state, or why it is unknown, and the hosts."""

    selected: Line | None
    state: State | str | None
    hosts: "HostMap | None"


class Pane(Widget):
    """A part of the screen that draws lines of text."""

    def __init__(self, name: str, draw: Callable[[int, int], Iterable[Text]]) -> None:
        super().__init__(id=name)
        self._draw = draw

    def render(self) -> Text:
        """The lines, never more than the pane has."""
        width, height = self.size
        try:
            lines = list(self._draw(width, height))[:height] if width and height else []
        except EventLogUnavailable as error:
            lines = [
                clipped(Text(one_line(f"the event log cannot be read: {error}"), "red"), width)
            ]
        return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


class Panes(App[None]):
    """The screen of the debugger.

    Args:
        session: where the user stands.
        tools: what it needs beside the log.
    """

    CSS = STYLE
    TITLE = "vigil replay"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012 - as textual declares it

    def __init__(self, session: Session, tools: Tools) -> None:
        super().__init__()
        self.animation_level = "none"
        self.session = session
        self.tools = tools
        self.seen = Look(None, None, None)
        self.resource = "memory_mb"
        self.skipped = 0
        self._message = ""
        self._is_stale = False

    def compose(self) -> ComposeResult:
        """The panes."""
        yield Pane("header", self._draw_header)
        with Container(id="body"):
            yield Pane("list", self._draw_list)
            yield Pane("state", self._draw_state)
            yield Pane("hosts", self._draw_hosts)
        yield Pane("footer", self._draw_footer)

    def on_mount(self) -> None:
        """Shows the list first, then what the selected line shows."""
        self.moved()

    def on_resize(self) -> None:
        """Another size may show other panes."""
        self.moved(self._message)

    async def run_action(self, *args: Any, **named: Any) -> bool:
        """Runs the action of a key; shows why it is not possible."""
        try:
            return await super().run_action(*args, **named)
        except (NoSuchMoment, EventLogUnavailable) as error:
            self.moved(str(error))
            return True

    # -- drawing --------------------------------------------------------------------------------

    def _draw_header(self, width: int, height: int) -> Iterable[Text]:
        del height
        seen = self.seen if self.seen.selected is self.session.selected else None
        state = seen.state if seen and isinstance(seen.state, State) else None
        yield header(self.session, state, width)

    def _draw_list(self, width: int, height: int) -> Iterable[Text]:
        return list_lines(self.session, self.session.rows(height), width)

    def _draw_state(self, width: int, height: int) -> Iterable[Text]:
        state = self.seen.state
        if state is None or isinstance(state, str):
            yield title("STATE", state or "", width)
            return
        about = (
            f"{state.kind} {str(state.aggregate_id)[:8]} v{state.version}, * changed by this event"
        )
        yield title("STATE", about, width)
        yield from fitting(list(state_lines(state, width)), width, height - 1)

    def _draw_hosts(self, width: int, height: int) -> Iterable[Text]:
        selected, _, hosts = self.seen
        if hosts is None or selected is None:
            yield title("HOSTS", "no action plan with a decision record belongs here", width)
            return
        self.resource = known_resource(hosts, self.resource)
        done, total = hosts.progress(selected.position)
        about = f"{self.resource} since the decision, {done}/{total} actions"
        yield title("HOSTS", about, width)
        bars = hosts.at(selected.position, self.resource)
        yield from host_lines(bars, width, height - 1, self.skipped)

    def _draw_footer(self, width: int, height: int) -> Iterable[Text]:
        del height
        yield clipped(Text(one_line(self._message) or HINT, "" if self._message else "dim"), width)

    # -- following the selected line ------------------------------------------------------------

    def say(self, message: str) -> None:
        """Shows a message at the bottom; the hint if it is empty."""
        self._message = message
        self.query_one("#footer").refresh()

    def moved(self, message: str = "") -> None:
        """Draws the list at once, and the other panes when no more keys are waiting."""
        self.say(message)
        self.query_one("#list").refresh()
        if not self._is_stale:
            self._is_stale = True
            self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        """Looks up what the selected line shows, in a thread: some histories are long."""
        self._is_stale = False
        wants_hosts = self.query_one("#hosts").display
        self.run_worker(lambda: self._look(wants_hosts), "follow", thread=True, exit_on_error=False)

    def _look(self, wants_hosts: bool) -> Look:  # noqa: FBT001 - in one place
        selected, state, hosts = self.session.selected, None, None
        try:
            state = self.session.state()
            hosts = self.session.hosts() if wants_hosts else None
        except (NoSuchMoment, EventLogUnavailable) as error:
            return Look(selected, one_line(str(error)), None)
        return Look(selected, state, hosts)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A look has ended."""
        worker = event.worker
        if worker.name == "follow" and event.state is WorkerState.ERROR:
            error = one_line(f"cannot be read: {worker.error!r}")
            self._looked(Look(self.session.selected, error, None))
        elif event.state is WorkerState.SUCCESS and isinstance(worker.result, Look):
            self._looked(worker.result)

    def _looked(self, look: Look) -> None:
        if look.selected is self.session.selected:  # else another look is on its way
            self.seen = look
            for name in ("#header", "#state", "#hosts"):
                self.query_one(name).refresh()


def known_resource(hosts: "HostMap", wanted: str) -> str:
    """A resource, if the hosts have it; their first one otherwise."""
    return wanted if wanted in hosts.resources else hosts.resources[0]
