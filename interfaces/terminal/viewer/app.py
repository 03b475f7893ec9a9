"""The viewer as a textual app: what opens, what is asked, what is changed."""

from collections.abc import Callable, Iterator

from interfaces.client import VigilClient
from interfaces.terminal.dialogs import Asking, Reading
from interfaces.terminal.viewer.changes import Change, NotPossible, change
from interfaces.terminal.viewer.commands import KINDS, LISTED, Names, NoSuchThing
from interfaces.terminal.viewer.feed import Feed
from interfaces.terminal.viewer.keys import help_lines
from interfaces.terminal.viewer.listing import Document, Subject
from interfaces.terminal.viewer.pages import PATHS as WITH_EVENTS
from interfaces.terminal.viewer.past import Past
from interfaces.terminal.viewer.reading import describe, why
from interfaces.terminal.viewer.viewing import READ, Tools, Viewing


class ViewerApp(Viewing):
    """Shows an installation of Vigil, and changes what the user confirms.

    Args:
        feed: what is shown; a thread of the app keeps it new.
        tools: what the app needs.
    """

    def __init__(self, feed: Feed, tools: Tools) -> None:
        super().__init__(feed, tools)
        self._past = Past(self._api)
        self._servers: list[Document] = []

    # -- reading -----------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Opens the page of the selected row, or shows its values."""
        found = self.chosen
        if found is None:
            self.say("nothing is selected")
        elif found[0].kind in READ:
            self.read_page(found[0])
        else:
            self.action_why()

    def action_why(self) -> None:
        """Shows the recorded reasons."""
        self._read_about("WHY", why)

    def action_describe(self) -> None:
        """Shows every value."""
        self._read_about("DESCRIPTION", describe)

    def _read_about(
        self, name: str, lines: Callable[[VigilClient, Subject, Document], Iterator[str]]
    ) -> None:
        found = self.chosen
        subject, row = found if found is not None else (self.viewer.subject, {})
        if subject is None:
            self.say("nothing is selected")
            return
        known: Subject = subject
        title = f"{name}: {known.kind} {known.name}"
        self.read(title, lambda api: lines(api, known, row))

    def action_events(self) -> None:
        """Opens the events of the selected row."""
        subject = self.viewer.subject
        if subject is None or subject.kind not in WITH_EVENTS:
            self.say("only an audit, a plan or an action has events of its own; 7 shows all")
            return
        self.read_page(Subject("events", f"{subject.kind}/{subject.id}", subject.name))

    def action_help(self) -> None:
        """Shows the keys."""
        self.push_screen(Reading("KEYS AND COMMANDS", help_lines()))

    def action_refresh(self) -> None:
        """Reads everything again."""
        self.feed.wake()
        self.say()

    def action_replay(self) -> None:
        """Opens the debugger at the selected event or object."""
        subject, replay = self.viewer.subject, self.tools.replay
        if subject is None or subject.kind not in (*WITH_EVENTS, "event"):
            self.say("the debugger opens at an event, an audit, a plan or an action")
        elif isinstance(replay, str):
            self.say(f"{replay}; where it is: vigil replay open {subject.id}")
        else:
            with self.suspend():
                replay(subject.id)
            self.say()

    # -- the past ----------------------------------------------------------------------------------

    def action_past(self, step: int) -> None:
        """Shows the state one event earlier or later."""
        picture = self.feed.picture
        if picture.past is None and step > 0:
            self.say("this is now")
            return
        end = 0 if picture.overview is None else picture.overview["end"]
        here = picture.past if picture.past is not None else end

        def stepped(found: int | None) -> None:
            if found is None and step > 0:
                self.action_present()
            elif found is None:
                self.say("nothing happened before")
            else:
                self._go(found)

        self.call(lambda _: self._past.step(here, step), stepped)

    def action_present(self) -> None:
        """Shows the present."""
        self._go(None)

    def _go(self, position: int | None) -> None:
        self.feed.go(position)
        self.say()

    # -- prompts -----------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Filters the rows while the text is entered."""
        rows = self.viewer.rows
        before = rows.filter

        def changed(text: str) -> None:
            rows.search(text)
            self.say()

        def answered(text: str | None) -> None:
            changed(before if text is None else text)

        self.push_screen(Asking("/", changed=changed, value=before), answered)

    def action_command(self) -> None:
        """Asks for a command; completes names."""
        if not self._servers:
            self.call(lambda api: list(api.get("/v1/servers")["servers"]), self._servers.extend)

        def complete(text: str) -> Iterator[str]:
            return Names(self.viewer.picture, self._servers).complete(text)

        def answered(text: str | None) -> None:
            if text is not None:
                try:
                    self._command(text.strip())
                except NoSuchThing as error:
                    self.say(str(error))

        self.push_screen(Asking(":", complete=complete), answered)

    def _command(self, text: str) -> None:
        name, _, word = text.partition(" ")
        word = word.strip()
        if name in ("q", "quit"):
            self.exit()
        elif name == "at" and word.isdecimal():
            self._go(int(word))
        elif name == "at":
            self.say(":at needs a position of the log; the events show theirs")
        elif name.removesuffix("s") in LISTED and not word:
            self.read_page(Subject("list", KINDS[name.removesuffix("s")]))
        elif name == "event" and word:
            self.read(f"EVENT {word}", lambda api: why(api, Subject("event", word), _event(word)))
        elif text:
            subject = Names(self.viewer.picture, self._servers).subject(name, word)
            self.read_page(subject)

    # -- changes -----------------------------------------------------------------------------------

    def action_launch(self) -> None:
        """Launches the selected plan."""
        self._change("launch")

    def action_cancel(self) -> None:
        """Cancels the selected plan."""
        self._change("cancel")

    def action_skip(self) -> None:
        """Skips the selected action."""
        self._change("skip")

    def action_actuation(self) -> None:
        """Suspends or resumes all changes."""
        self._change("actuation")

    def _change(self, name: str) -> None:
        found = self.chosen
        subject, row = found if found is not None else (None, None)
        try:
            wanted = change(name, self.viewer.picture, subject, row)
        except NotPossible as refusal:
            self.say(str(refusal))
            return
        if not wanted.needs_reason:
            self._confirm(wanted, "")
            return
        about = [
            f"{wanted.what}.",
            "Enter the reason, which everybody will see; Esc changes nothing.",
        ]
        self.push_screen(
            Asking("reason: ", about), lambda text: self._confirm(wanted, (text or "").strip())
        )

    def _confirm(self, wanted: Change, reason: str) -> None:
        if wanted.needs_reason and not reason:
            self.say("nothing was changed: there is no reason")
            return
        about = [f"{wanted.what}?" + (f" Reason: {reason}" if reason else "")]
        about.append(f"Enter {wanted.answer} to do it; anything else changes nothing.")

        def answered(text: str | None) -> None:
            if (text or "").strip().casefold() != wanted.answer:
                self.say("nothing was changed")
                return
            self.say("sending …")
            self.call(lambda api: wanted.send(api, reason), lambda _: self._done(wanted))

        self.push_screen(Asking("> ", about), answered)

    def _done(self, wanted: Change) -> None:
        self.feed.wake()
        self.say(f"done: {wanted.what}")


def _event(word: str) -> Document:
    if not word.isdecimal():
        raise NoSuchThing(":event needs a position of the log")
    return {"position": int(word)}
