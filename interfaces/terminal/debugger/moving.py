"""The keys that select another line."""

from textual.events import MouseScrollDown, MouseScrollUp

from interfaces.terminal.debugger.panes import Panes


class Moving(Panes):
    """Moves through the lines."""

    @property
    def is_map(self) -> bool:
        """Whether the hosts have the whole screen."""
        return self.query_one("#body").has_class("-map")

    def go(self, *, found: bool, otherwise: str) -> None:
        """Shows the line that was selected, or says why there is none."""
        self.moved("" if found else otherwise)

    def action_step(self, count: int) -> None:
        self.go(found=self.session.step(count), otherwise="there are no more lines")

    def action_page(self, step: int) -> None:
        if self.is_map:
            self.skipped = max(0, self.skipped + step * (self.query_one("#hosts").size.height - 2))
            self.moved()
        else:
            self.action_step(step * max(1, self.query_one("#list").size.height - 1))

    def action_end(self, step: int) -> None:
        self.go(found=self.session.end(step), otherwise="the log is empty")

    def action_same_aggregate(self, step: int) -> None:
        found = self.session.same_aggregate(step)
        self.go(found=found, otherwise="there are no more events of this object")

    def action_scrub(self, step: int) -> None:
        hosts, here = self.session.hosts(), self.session.selected
        found = None if hosts is None or here is None else hosts.neighbour(here.position, step)
        if found is not None:
            self.session.reveal(found)
        self.go(found=found is not None, otherwise="no more actions of this plan changed a host")

    def action_bookmark(self) -> None:
        is_set = self.session.toggle_bookmark()
        self.moved("bookmark set" if is_set else "bookmark removed")

    def action_next_bookmark(self) -> None:
        self.go(found=self.session.next_bookmark(), otherwise="no bookmark is set; m sets one")

    def action_change(self, step: int) -> None:
        otherwise = "no more changes" if self.session.watches else ":watch FIELD watches one"
        self.go(found=self.session.next_change(step), otherwise=otherwise)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel steps."""
        del event
        self.action_step(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel steps."""
        del event
        self.action_step(-3)
