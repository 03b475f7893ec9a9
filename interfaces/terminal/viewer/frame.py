"""The whole screen as lines of text: head, panes or a page, and the keys."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import wrap

from rich.text import Text

from infrastructure.logs import one_line
from interfaces.terminal.drawing import clipped
from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.heat import LEGEND, Heat
from interfaces.terminal.viewer.keys import hint
from interfaces.terminal.viewer.listing import Document, Rows, table
from interfaces.terminal.viewer.lists.about import SEVERITIES
from interfaces.terminal.viewer.lists.cloud import RESOURCES
from interfaces.terminal.viewer.picture import Health
from interfaces.terminal.viewer.viewer import Opened, Viewer

NARROW, WIDE = 100, 160
"""Columns from which two panes, and three, stand side by side."""
GAP = 2
"""Columns between panes."""
LEAST, TALL = 4, 9
"""Lines of a pane, at least; of the hosts and the roles."""
ROLE_LINES = 2
"""Lines of the roles in the head, at most."""
TICKER = 6
"""Lines of the events below the only pane of a narrow screen."""
CHOSEN = 3
"""Lines of the end of the selected row, at most."""
BANDS = {
    NARROW: (("plans",), ("actions",), ("cluster", "roles"), ("audits", "faults"), ("events",)),
    WIDE: (("plans", "audits"), ("actions", "faults"), ("cluster", "roles"), ("events",)),
}
"""Least columns → panes from top to bottom, side by side in each tuple."""
BANNERS = {"ok": "black on #56b4e9", "warning": "black on #f0e442", "blind": "white on #aa4499"}
"""State → colours; others are white on red. The state is also there in words."""


def frame(viewer: Viewer, now: datetime, width: int, height: int) -> list[Text]:
    """The screen: exactly ``height`` lines of at most ``width`` columns."""
    head = [clipped(line, width) for line in _head(viewer, now, width, height)][: height - 1]
    foot = clipped(Text(one_line(viewer.message)) if viewer.message else hint(viewer, width), width)
    room = height - len(head) - 1
    body = _page(viewer.opened[-1], width, room) if viewer.opened else _panes(viewer, width, room)
    body = body[:room] + [Text()] * (room - len(body))
    return [*head, *body, foot][-height:]


# -- head ------------------------------------------------------------------------------------------


def _head(viewer: Viewer, now: datetime, width: int, height: int) -> Iterator[Text]:
    yield _where(viewer, now)
    health = Health(viewer.picture, now)
    if viewer.picture.past is None or viewer.picture.away:
        yield from _banner(health, width, max(1, height // 12))
    if viewer.picture.past is not None:
        at = (viewer.picture.overview or {}).get("at", "")[:19].replace("T", " ")
        text = f" PAST  log position {viewer.picture.past}, {at} UTC; End returns to now"
        yield Text(clipped(Text(text.ljust(width)), width).plain, "bold reverse")
    elif width < NARROW or viewer.opened:  # else they have a pane
        yield from _roles(viewer, width)


def _banner(health: Health, width: int, height: int) -> Iterator[Text]:
    """The state in words and colour, and as many reasons as there are lines."""
    style = BANNERS.get(health.state, "bold white on #b00000")
    name = f" {SEVERITIES.get(health.state, '●')} {health.state.upper()} "
    lines = health.lines or ["nothing is wrong"]
    shown = lines[:height]
    more = f" (+{len(lines) - height} more in FAULTS)" if len(lines) > height else ""
    for number, line in enumerate(shown):
        lead = name if number == 0 else " " * len(name)
        tail = more if number == len(shown) - 1 else ""
        room = max(1, width - len(lead) - len(tail))
        text = clipped(Text(one_line(line)), room).plain
        yield Text(f"{lead}{text:<{room}}{tail}", style)


def _where(viewer: Viewer, now: datetime) -> Text:
    overview = viewer.picture.overview or {}
    found, actuation = overview.get("installation") or {}, overview.get("actuation") or {}
    line = Text.assemble((" VIGIL ", "bold reverse"), " ")
    if overview:
        line.append_text(_actuation(found, actuation)).append(" ")
    parts = [
        f"cloud {found['cloud']}" if found.get("cloud") else "",
        viewer.picture.url,
        f"{now.astimezone(UTC):%H:%M:%S} UTC",
        f"log {overview['end']}" if overview else "",
    ]
    shown = " > ".join(viewer.trail) if viewer.opened else " · ".join(filter(None, parts))
    return line.append(one_line(shown))


def _actuation(found: Document, actuation: Document) -> Text:
    """Whether Vigil may change a cloud, and whether the cloud is real."""
    if not actuation.get("on"):
        why = f": {actuation['reason']}" if actuation.get("reason") else ""
        return Text(one_line(f" ACTUATION OFF{why} "), "bold reverse")
    if found.get("simulated"):
        return Text(" SIMULATED ", "reverse")
    return Text(" LIVE CLOUD ", "bold white on #b00000")


def _roles(viewer: Viewer, width: int) -> Iterator[Text]:
    """Every role with its sign in at most two lines; what it does now if there is room."""
    roles = sorted(viewer.picture.rows("roles"), key=lambda one: one["state"] == "ACTIVE")
    lines = _wrapped([_role(one, one.get("doing") or "") for one in roles], width)
    if len(lines) > ROLE_LINES:
        lines = _wrapped([_role(one, "") for one in roles], width)
    yield from lines[:ROLE_LINES]


def _role(one: Document, doing: str) -> Text:
    alive = one["state"] == "ACTIVE"
    text = f"{'●' if alive else '✗'} {one['name']}{f' ({doing})' if doing else ''}"
    return Text(one_line(text), "" if alive else "bold red")


def _wrapped(parts: Sequence[Text], width: int) -> list[Text]:
    lines = [Text(" ")]
    for part in parts:
        if lines[-1].cell_len + part.cell_len > width and len(lines[-1]) > 1:
            lines.append(Text(" "))
        lines[-1].append_text(part).append("  ")
    return lines


# -- the first screen ------------------------------------------------------------------------------


def _panes(viewer: Viewer, width: int, height: int) -> list[Text]:
    bands = BANDS[WIDE if width >= WIDE else NARROW]
    least = [TALL if "roles" in names else LEAST for names in bands]
    if width < NARROW or height < sum(least):
        return _one_pane(viewer, width, height)
    heights = share([_wanted(viewer, names) for names in bands], height, least)
    parts = zip(bands, heights, strict=True)
    return [line for names, lines in parts for line in _band(viewer, names, width, lines)]


def _one_pane(viewer: Viewer, width: int, height: int) -> list[Text]:
    """The pane with the keys under the names of all; below it the newest events."""
    tabs = Text(" ")
    for number, (name, rows) in enumerate(viewer.panes.items(), start=1):
        count = "" if name == "events" else f" {rows.total}"
        tabs.append("" if number == 1 else "│", "dim")
        tabs.append(f"{number} {name}{count}", "bold reverse" if name == viewer.focus else "")
    ticker = 0 if viewer.focus == "events" or height < LEAST + TICKER else TICKER
    shown = _pane(viewer, viewer.focus, width, height - 1 - ticker)
    return [clipped(tabs, width), *shown, *_pane(viewer, "events", width, ticker)]


def _band(viewer: Viewer, names: Sequence[str], width: int, height: int) -> list[Text]:
    """Panes side by side."""
    each = (width - GAP * (len(names) - 1)) // len(names)
    found = []
    for parts in zip(*(_pane(viewer, name, each, height) for name in names), strict=True):
        line = Text()
        for place, part in enumerate(parts):
            gap = " " * (each - part.cell_len + GAP) if place < len(parts) - 1 else ""
            line.append_text(part).append(gap)
        found.append(line)
    return found


def _wanted(viewer: Viewer, names: Sequence[str]) -> int:
    """The lines that a band can use."""
    most = max(viewer.panes[name].total for name in names) + 2
    return most * 2 if viewer.focus in names else most


def share(wanted: Sequence[int], room: int, least: Sequence[int]) -> list[int]:
    """Shares lines among bands: each gets the least, then what it wants; the last one the rest."""
    granted = list(least)
    left = room - sum(granted)
    while left > 0:
        hungry = [place for place, want in enumerate(wanted) if granted[place] < want]
        if not hungry:
            granted[-1] += left
            break
        for place in hungry[:left]:
            granted[place] += 1
        left = room - sum(granted)
    return granted


def _pane(viewer: Viewer, name: str, width: int, height: int) -> list[Text]:
    """Exactly ``height`` lines."""
    if height <= 0:
        return []
    rows, focused = viewer.panes[name], name == viewer.focus
    lines = [_title(rows, width, focused=focused, about=_about(viewer, name))]
    if name == "cluster" and rows.shown:
        viewer.heat = Heat(rows, viewer.resource, width, height - 1)
        lines += viewer.heat.lines(focused=focused)
    else:
        lines += table(rows, width, height - 1, focused=focused)
    return lines[:height] + [Text()] * (height - len(lines))


def _about(viewer: Viewer, name: str) -> str:
    if name == "cluster":
        return f"{RESOURCES[viewer.resource]}: {LEGEND}"
    return viewer.panes[name].about


def _title(rows: Rows, width: int, *, focused: bool, about: str = "") -> Text:
    """The name of a list, how many rows it has, and how it is filtered and sorted."""
    shown = f"{len(rows.shown)} of {rows.total}" if rows.filter else str(rows.total)
    parts = [shown, about]
    if rows.filter:
        parts.append(f"filter {rows.filter!r}")
    if rows.sorted_by is not None or rows.is_reversed:
        key = rows.sorted_by.title if rows.sorted_by is not None else "order"
        parts.append(f"by {key} {'↓' if rows.is_reversed else '↑'}")
    dash = "━" if focused else "─"
    name = (rows.listing.name, "bold reverse" if focused else "bold")
    text = one_line("  ".join(filter(None, parts)))
    line = clipped(Text.assemble((dash * 2 + " ", "dim"), name, f"  {text} "), width)
    return line.append(dash * (width - line.cell_len), "dim")


# -- a page ----------------------------------------------------------------------------------------


def _page(opened: Opened, width: int, height: int) -> list[Text]:
    """What is known of the subject, the list of what belongs to it, the end of the chosen row."""
    page = opened.page
    names = max((len(name) for name, _ in page.about), default=0)
    lines = [
        clipped(Text.assemble((f" {name:<{names}}  ", "dim"), one_line(text)), width)
        for name, text in page.about
    ]
    lines = lines[: max(0, height - LEAST)]
    lines.append(_title(opened.rows, width, focused=True))
    chosen = _chosen(opened.rows, width) if height - len(lines) > LEAST + CHOSEN else []
    room = height - len(lines) - len(chosen)
    found = table(opened.rows, width, room, focused=True)
    return [*lines, *found, *[Text()] * (room - len(found)), *chosen]


def _chosen(rows: Rows, width: int) -> list[Text]:
    """The last cell of the selected row, which the table cuts, in full."""
    if rows.selected is None:
        return []
    text = one_line(values.plain(rows.listing.columns[-1].draw(rows.selected)))
    lines = wrap(text, max(1, width - 1))[:CHOSEN]
    found = [clipped(Text(f" {line}"), width) for line in lines]
    return [Text("─" * width, "dim"), *found]
