"""Where the user stands: the panes of the first screen, and the pages opened from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interfaces.terminal.viewer.heat import Heat
from interfaces.terminal.viewer.listing import Document, Rows, Subject
from interfaces.terminal.viewer.lists import (
    ACTIONS,
    AUDITS,
    EVENTS,
    FAULTS,
    HOSTS,
    PLANS,
    ROLES,
)
from interfaces.terminal.viewer.lists.cloud import RESOURCES
from interfaces.terminal.viewer.lists.events import folded
from interfaces.terminal.viewer.pages import Page
from interfaces.terminal.viewer.picture import Picture

PANES = {
    "plans": PLANS,
    "actions": ACTIONS,
    "audits": AUDITS,
    "cluster": HOSTS,
    "faults": FAULTS,
    "roles": ROLES,
    "events": EVENTS,
}
"""Panes of the first screen, in the order of Tab."""


@dataclass
class Opened:
    """A page, and where the user stands in its list."""

    page: Page
    rows: Rows


class Viewer:
    """What is shown, without a terminal.

    Attributes:
        picture: the newest.
        panes: of the first screen.
        focus: the pane with the keys.
        opened: pages, the last one is shown.
        message: at the bottom; empty: the keys.
        resource: of hosts that is shown.
        heat: the tiles as they were drawn last.
    """

    def __init__(self, picture: Picture) -> None:
        self.panes = {name: Rows(listing) for name, listing in PANES.items()}
        self.focus = "plans"
        self.opened: list[Opened] = []
        self.message = ""
        self.resource = "memory_mb"
        self.heat: Heat | None = None
        self.show(picture)

    @property
    def rows(self) -> Rows:
        """The list with the keys."""
        return self.opened[-1].rows if self.opened else self.panes[self.focus]

    @property
    def is_map(self) -> bool:
        """Whether the tiles of hosts have the keys."""
        return not self.opened and self.focus == "cluster"

    @property
    def subject(self) -> Subject | None:
        """What is selected; on a page without rows, what the page is of."""
        found = self.rows.subject
        return self.opened[-1].page.subject if found is None and self.opened else found

    @property
    def trail(self) -> list[str]:
        """The way from the first screen to what is shown."""
        subjects = [one.page.subject for one in self.opened]
        return ["overview", *(f"{one.kind} {one.name}" for one in subjects)]

    def show(self, picture: Picture) -> None:
        """Shows a new picture; every selection stays."""
        self.picture = picture
        items: Mapping[str, Sequence[Document]] = {
            "plans": picture.plans(),
            "actions": picture.actions,
            "audits": picture.audits(),
            "cluster": picture.hosts,
            "faults": picture.faults(),
            "roles": sorted(picture.rows("roles"), key=lambda one: one["state"] == "ACTIVE"),
            "events": folded(picture.rows("events")),
        }
        for name, rows in self.panes.items():
            rows.unknown = _unknown(picture, name)
            if rows.total or items[name]:
                rows.show(items[name])
        self.panes["actions"].about = picture.actions_of

    def open(self, page: Page) -> None:
        """Shows a page; one that is shown already is replaced, and the selection stays."""
        here = self.opened[-1] if self.opened else None
        if here is not None and here.page.subject[:2] == page.subject[:2]:
            here.page = page
            here.rows.show(page.items)
            return
        rows = Rows(page.listing)
        rows.show(page.items)
        self.opened.append(Opened(page, rows))

    def back(self) -> bool:
        """Closes a page, or ends a filter; returns False on the first screen without one."""
        if self.rows.filter:
            self.rows.search("")
        elif self.opened:
            self.opened.pop()
        else:
            return False
        return True

    def tab(self, step: int) -> None:
        """Gives the keys to another pane."""
        names = list(self.panes)
        self.opened.clear()
        self.focus = names[(names.index(self.focus) + step) % len(names)]

    def move_on_map(self, columns: int, lines: int) -> None:
        """Selects the host some tiles to the right and some lines below."""
        if self.heat is not None:
            host = self.heat.neighbour(columns + lines * self.heat.columns)
            if host is not None:
                self.rows.select("host", host["name"])

    def next_resource(self) -> None:
        """Shows another resource of hosts."""
        names = list(RESOURCES)
        self.resource = names[(names.index(self.resource) + 1) % len(names)]


def _unknown(picture: Picture, pane: str) -> str:
    """Why the rows of a pane are not known; empty if they are."""
    if picture.overview is None:
        return "not known yet"
    if picture.past is not None and pane in WITHOUT_PAST:
        return "not known of the past"
    return picture.hosts_problem if pane == "cluster" else ""


WITHOUT_PAST = frozenset({"roles", "actions", "faults"})
"""Panes whose past is not recorded, or only in the history of a plan."""
