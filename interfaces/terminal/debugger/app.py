"""The interactive debugger: panes, keys, commands."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widget import Widget
from textual.worker import Worker, WorkerState, get_current_worker

from application.ports.event_log import EventLogUnavailable
from application.ports.records import RecordStore
from application.replay.aggregate_history import NoSuchMoment
from application.replay.debugger.lines import Line
from application.replay.debugger.session import Session, State
from application.replay.facts import Fact
from infrastructure.logs import one_line
from interfaces.terminal.debugger.drawing import (
    clipped,
    fitting,
    header,
    host_lines,
    list_lines,
    state_lines,
    title,
)
from interfaces.terminal.debugger.keys import KEYS

if TYPE_CHECKING:  # it needs all of a decision, which the first screen does not
    from application.replay.debugger.host_map import HostMap

HINT = "? help · n/p step · N/P same object · ←/→ hosts · t tree · w why · / search · : command"


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
Reading { layout: vertical; background: $background; padding: 0 1; }
Reading > Static { height: 1; }
Reading VerticalScroll { height: 1fr; }
Asking { background: transparent; align: left bottom; }
Asking Horizontal { height: 1; background: $panel; }
Asking Label { width: 1; }
Asking Input { width: 1fr; }
"""


class Refused(Exception):
    """What the user asks for is not possible; the message says why."""


@dataclass(frozen=True)
class Tools:
    """What the debugger needs beside the log.

    Attributes:
        records: opens the stored records.
        place: the position that a user names by a position, a time, an id or a name.
        until: the first position after one at which a condition becomes true; None if never.
        settings: arguments that open the same history in a shell.

    ``place`` and ``until`` raise ``Refused``.
    """

    records: Callable[[], RecordStore]
    place: Callable[[str], int]
    until: Callable[[str, int], int | None]
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


class Debugger(App[None]):
    """Walks through a log. It only reads.

    Args:
        session: where the walk begins.
        tools: what it needs beside the log.
    """

    CSS = STYLE
    TITLE = "vigil replay"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012 - as textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.names, key.action, key.help, show=False) for key in KEYS
    ]

    def __init__(self, session: Session, tools: Tools) -> None:
        super().__init__()
        self.animation_level = "none"
        self.session = session
        self._tools = tools
        self._seen = Look(None, None, None)
        self._resource = "memory_mb"
        self._skip = 0
        self._message = ""
        self._sought = self._otherwise = ""
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
        self._moved()

    # -- drawing --------------------------------------------------------------------------------

    def _draw_header(self, width: int, height: int) -> Iterable[Text]:
        del height
        seen = self._seen if self._seen.selected is self.session.selected else None
        state = seen.state if seen and isinstance(seen.state, State) else None
        yield header(self.session, state, width)

    def _draw_list(self, width: int, height: int) -> Iterable[Text]:
        return list_lines(self.session, self.session.rows(height), width)

    def _draw_state(self, width: int, height: int) -> Iterable[Text]:
        state = self._seen.state
        if state is None or isinstance(state, str):
            yield title("STATE", state or "", width)
            return
        about = (
            f"{state.kind} {str(state.aggregate_id)[:8]} v{state.version}, * changed by this event"
        )
        yield title("STATE", about, width)
        yield from fitting(list(state_lines(state, width)), width, height - 1)

    def _draw_hosts(self, width: int, height: int) -> Iterable[Text]:
        selected, _, hosts = self._seen
        if hosts is None or selected is None:
            yield title("HOSTS", "no action plan with a decision record belongs here", width)
            return
        self._resource = self._known_resource(hosts)
        done, total = hosts.progress(selected.position)
        about = f"{self._resource} since the decision, {done}/{total} actions"
        yield title("HOSTS", about, width)
        bars = hosts.at(selected.position, self._resource)
        yield from host_lines(bars, width, height - 1, self._skip)

    def _draw_footer(self, width: int, height: int) -> Iterable[Text]:
        del height
        yield clipped(Text(one_line(self._message) or HINT, "" if self._message else "dim"), width)

    def _moved(self, message: str = "") -> None:
        """Draws the list at once, and the other panes when no more keys are waiting."""
        self._message = message
        for name in ("#list", "#footer"):
            self.query_one(name).refresh()
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

    def _looked(self, look: Look) -> None:
        if look.selected is self.session.selected:  # else another look is on its way
            self._seen = look
            for name in ("#header", "#state", "#hosts"):
                self.query_one(name).refresh()

    def on_resize(self) -> None:
        """Another size may show other panes."""
        self._moved(self._message)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel steps."""
        del event
        self.action_step(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel steps."""
        del event
        self.action_step(-3)

    async def run_action(self, *args: Any, **named: Any) -> bool:
        """Runs the action of a key; shows why it is not possible."""
        try:
            return await super().run_action(*args, **named)
        except (NoSuchMoment, EventLogUnavailable) as error:
            self._moved(str(error))
            return True

    # -- moving ---------------------------------------------------------------------------------

    def _go(self, *, found: bool, otherwise: str) -> None:
        self._moved("" if found else otherwise)

    def action_step(self, count: int) -> None:
        self._go(found=self.session.step(count), otherwise="there are no more lines")

    def action_page(self, step: int) -> None:
        if self._is_map:
            self._skip = max(0, self._skip + step * (self.query_one("#hosts").size.height - 2))
            self._moved()
        else:
            self.action_step(step * max(1, self.query_one("#list").size.height - 1))

    def action_end(self, step: int) -> None:
        self._go(found=self.session.end(step), otherwise="the log is empty")

    def action_same_aggregate(self, step: int) -> None:
        found = self.session.same_aggregate(step)
        self._go(found=found, otherwise="there are no more events of this object")

    def action_scrub(self, step: int) -> None:
        hosts, here = self.session.hosts(), self.session.selected
        found = None if hosts is None or here is None else hosts.neighbour(here.position, step)
        if found is not None:
            self.session.reveal(found)
        self._go(found=found is not None, otherwise="no more actions of this plan changed a host")

    def action_bookmark(self) -> None:
        is_set = self.session.toggle_bookmark()
        self._moved("bookmark set" if is_set else "bookmark removed")

    def action_next_bookmark(self) -> None:
        self._go(found=self.session.next_bookmark(), otherwise="no bookmark is set; m sets one")

    def action_change(self, step: int) -> None:
        otherwise = "no more changes" if self.session.watches else ":watch FIELD watches one"
        self._go(found=self.session.next_change(step), otherwise=otherwise)

    # -- views ----------------------------------------------------------------------------------

    @property
    def _is_map(self) -> bool:
        return self.query_one("#body").has_class("-map")

    def action_toggle_hosts(self) -> None:
        self.query_one("#body").toggle_class("-map")
        self._skip = 0
        self._moved()

    def _known_resource(self, hosts: "HostMap") -> str:
        return self._resource if self._resource in hosts.resources else hosts.resources[0]

    def action_resource(self) -> None:
        hosts = self._seen.hosts
        if hosts is not None:
            names, known = hosts.resources, self._known_resource(hosts)
            self._resource = names[(names.index(known) + 1) % len(names)]
        self._moved()

    def action_toggle_tree(self) -> None:
        self._go(found=self.session.toggle_tree(), otherwise="this event belongs to no run")

    def action_toggle_every(self) -> None:
        self.session.toggle_every()
        self._moved("every event" if self.session.is_every else "facts only")

    def action_details(self) -> None:
        from interfaces.terminal.debugger.texts import details  # noqa: PLC0415 - when needed

        self._read("DETAILS", details(self.session))

    def action_why(self) -> None:
        from interfaces.terminal.debugger.texts import why  # noqa: PLC0415 - when needed

        self._read("WHY", why(self.session, self._tools.records()))

    def action_help(self) -> None:
        from interfaces.terminal.debugger.keys import help_lines  # noqa: PLC0415 - when needed

        self._read("KEYS AND COMMANDS", help_lines())

    def _read(self, name: str, lines: Iterable[str]) -> None:
        from interfaces.terminal.debugger.screens import Reading  # noqa: PLC0415 - when needed

        self.push_screen(Reading(name, list(lines)))

    def action_leave(self) -> None:
        if self.workers.cancel_group(self, "seek"):
            self._moved("stopped")
        elif self._is_map:
            self.action_toggle_hosts()
        elif self.session.is_tree:
            self.action_toggle_tree()
        else:
            self._moved()

    def action_copy_command(self) -> None:
        if self.session.selected is not None:
            fact = self.session.selected.fact
            words = ["vigil", "replay", "show", str(fact.aggregate_id), "--at", str(fact.position)]
            self._copy(shlex.join([*words, *self._tools.settings]))

    def action_copy_id(self) -> None:
        if self.session.selected is not None:
            fact = self.session.selected.fact
            self._copy(str(fact.action or fact.aggregate_id))

    def _copy(self, text: str) -> None:
        self.copy_to_clipboard(text)
        self._moved(f"copied: {text}")

    # -- commands -------------------------------------------------------------------------------

    def action_search(self) -> None:
        self._ask("/", self._search)

    def action_command(self) -> None:
        self._ask(":", self._command)

    def _ask(self, sign: str, then: Callable[[str], None]) -> None:
        from interfaces.terminal.debugger.screens import Asking  # noqa: PLC0415 - when needed

        def answered(text: str | None) -> None:
            if text is not None:
                try:
                    then(text.strip())
                except (Refused, NoSuchMoment, EventLogUnavailable) as error:
                    self._moved(str(error))

        self.push_screen(Asking(sign), answered)

    def _search(self, text: str) -> None:
        self._sought = text.casefold() or self._sought
        if not self._sought:
            return
        sought = self._sought

        def has_it(fact: Fact) -> bool:
            words = fact.what, fact.who, fact.why, fact.topic, str(fact.aggregate_id)
            return any(sought in word.casefold() for word in words)

        def seek() -> int | None:
            worker = get_current_worker()
            found = self.session.seek(has_it, lambda: worker.is_cancelled)
            return None if found is None else found.position

        self._seek(seek, f"no further line with {sought!r}")

    def _seek(self, seek: Callable[[], int | None], otherwise: str) -> None:
        """Searches a position in a thread, and goes there."""
        self._otherwise = otherwise
        self._moved("searching … Esc stops")
        self.run_worker(seek, "seek", "seek", thread=True, exclusive=True, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A look or a search has ended."""
        worker = event.worker
        if event.state is WorkerState.ERROR and worker.name == "follow":
            here, error = self.session.selected, f"cannot be read: {worker.error!r}"
            self._looked(Look(here, one_line(error), None))
        elif event.state is WorkerState.ERROR:
            self._moved(str(worker.error))
        elif event.state is WorkerState.SUCCESS and isinstance(worker.result, Look):
            self._looked(worker.result)
        elif event.state is WorkerState.SUCCESS:
            if worker.result is not None:
                self.session.reveal(worker.result)
            self._go(found=worker.result is not None, otherwise=self._otherwise)

    def _command(self, text: str) -> None:
        name, _, given = text.partition(" ")
        given = given.strip()
        match name, bool(given):
            case "goto" | "g", True:
                self._goto(given)
            case "watch" | "w", True:
                self._watch(given)
            case "until" | "u", True:
                self._until(given)
            case (("q" | "quit"), False):
                self.exit()
            case "goto" | "g" | "watch" | "w" | "until" | "u", False:
                raise Refused(f":{name} needs an argument; ? shows the commands")
            case _ if text:
                self._goto(text)

    def _goto(self, where: str) -> None:
        self.session.reveal(self._tools.place(where))
        self._moved()

    def _watch(self, path: str) -> None:
        found = self.session.watch(path)
        count = 0 if found is None else len(found.positions)
        self._moved(f"{path} changed {count} times; c and C go there" if found else "not watched")

    def _until(self, text: str) -> None:
        here = 0 if self.session.selected is None else self.session.selected.position
        never = f"after position {here}, this does not become true: {text}"
        self._seek(lambda: self._tools.until(text, here), never)
