"""Searches and commands. They may read the whole log: in a thread, with progress, until Esc."""

from collections.abc import Callable
from typing import Any

from textual.timer import Timer
from textual.worker import Worker, WorkerState, get_current_worker

from application.ports.event_log import EventLogUnavailable, ReadOnlyLog
from application.replay.aggregate_history import NoSuchMoment
from application.replay.debugger.session import Session, Watch
from application.replay.debugger.watched_log import Stopped, WatchedLog
from application.replay.facts import Fact
from interfaces.terminal.debugger.panes import Tools
from interfaces.terminal.debugger.views import Views

_PERIOD = 0.25
"""Seconds between two displays of the progress."""
_GROUP = "search"


class Refused(Exception):
    """What the user asks for is not possible; the message says why."""


_SAID = (Refused, NoSuchMoment, EventLogUnavailable)
"""Errors with a message for the user."""


class Searches(Views):
    """``/``, ``n``, ``N`` and ``:``."""

    def __init__(self, session: Session, tools: Tools) -> None:
        super().__init__(session, tools)
        self._sought = ""
        self._at: int | None = None
        self._then: Callable[[Any], None] = self._found
        self._otherwise = ""
        self._progress: Timer | None = None

    # -- keys -----------------------------------------------------------------------------------

    def action_search(self) -> None:
        self._ask("/", self._search)

    def action_command(self) -> None:
        self._ask(":", self._command)

    def action_match(self, step: int) -> None:
        """The next (1) or previous (-1) line with the text that was searched last."""
        sought = self._sought
        if not sought:
            self.moved("nothing was searched yet; / searches")
            return

        def has_it(fact: Fact) -> bool:
            words = fact.what, fact.who, fact.why, fact.topic, str(fact.aggregate_id)
            return any(sought in word.casefold() for word in words)

        def seek(log: ReadOnlyLog) -> int | None:
            found = self.session.seek(has_it, log, step)
            return None if found is None else found.position

        where = "after" if step > 0 else "before"
        self._find(seek, f"/{sought}: no line {where} this one")

    def action_leave(self) -> None:
        if self.workers.cancel_group(self, _GROUP):
            self._ended()
            self.moved("stopped")
        else:
            super().action_leave()

    def _ask(self, sign: str, then: Callable[[str], None]) -> None:
        from interfaces.terminal.dialogs import Asking  # noqa: PLC0415 - when needed

        def answered(text: str | None) -> None:
            if text is not None:
                then(text.strip())

        self.push_screen(Asking(sign), answered)

    def _search(self, text: str) -> None:
        self._sought = text.casefold() or self._sought
        self.action_match(1)

    def _command(self, text: str) -> None:
        name, _, given = text.partition(" ")
        given = given.strip()
        match name, bool(given):
            case "goto" | "g", True:
                self._goto(given)
            case "watch" | "w", True:
                self._start(lambda log: self.session.watch(given, log), self._watched)
            case "until" | "u", True:
                self._until(given)
            case (("q" | "quit"), False):
                self.exit()
            case "goto" | "g" | "watch" | "w" | "until" | "u", False:
                self.moved(f":{name} needs an argument; ? shows the commands")
            case _ if text:
                self._goto(text)

    def _goto(self, where: str) -> None:
        self._find(lambda log: self.tools.place(log, where), "")

    def _until(self, text: str) -> None:
        here = 0 if self.session.selected is None else self.session.selected.position
        never = f"after position {here}, this does not become true: {text}"
        self._find(lambda log: self.tools.until(log, text, here), never)

    def _watched(self, found: Watch | None) -> None:
        if found is None:
            self.moved("not watched")
        else:
            self.moved(f"{found.path} changed {len(found.positions)} times; c and C go there")

    # -- searching in a thread ------------------------------------------------------------------

    def _find(self, seek: Callable[[ReadOnlyLog], int | None], otherwise: str) -> None:
        """Searches a position, and goes there."""
        self._otherwise = otherwise
        self._start(seek, self._found)

    def _found(self, position: int | None) -> None:
        if position is not None:
            self.session.reveal(position)
        self.go(found=position is not None, otherwise=self._otherwise)

    def _start(self, search: Callable[[ReadOnlyLog], Any], then: Callable[[Any], None]) -> None:
        """Runs a search in a thread; the one before is stopped.

        Args:
            search: with a log that says where it reads, and that ends it when the user stops it.
            then: what is done with its result.
        """

        def watched() -> Any:
            worker = get_current_worker()

            def watch(position: int) -> None:
                if worker.is_cancelled:
                    raise Stopped
                self._at = position

            return search(WatchedLog(self.session.log, watch))

        self._at, self._then = None, then
        if self._progress is None:
            self._progress = self.set_interval(_PERIOD, self._show_progress)
        self._show_progress()
        self.run_worker(watched, _GROUP, _GROUP, thread=True, exclusive=True, exit_on_error=False)

    def _show_progress(self) -> None:
        self.say("")

    def say(self, message: str) -> None:
        """Shows a message, or else how far the search is."""
        if not message and self._progress is not None:
            size, at = self.session.in_log.size, self._at
            where = "" if at is None else f" at position {at:,} of {size:,}"
            message = f"searching …{where} · Esc stops"
        super().say(message)

    def _ended(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A search has ended (textual calls this method of every class)."""
        worker = event.worker
        if worker.group != _GROUP or worker.is_cancelled:
            return
        if event.state is WorkerState.ERROR:
            self._ended()
            error = worker.error
            self.moved(str(error) if isinstance(error, _SAID) else f"failed: {error!r}")
        elif event.state is WorkerState.SUCCESS:
            self._ended()
            self._then(worker.result)
