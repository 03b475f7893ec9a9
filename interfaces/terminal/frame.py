"""One screen of `vigil status`; it always fits the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from application.queries.overview import (
    AuditLine,
    EventLine,
    ModelLine,
    Overview,
    PlanLine,
    RoleLine,
    RunningLine,
)
from infrastructure.logs import one_line
from interfaces.terminal.plan_progress import amount, progress_bar, rest, unsuccessful
from interfaces.terminal.wording import STATE_STYLES, age, bar, sizes

WIDE = 100
"""Columns from which more details are shown."""

Cells = tuple[Text, ...]


@dataclass(frozen=True)
class Section:
    """A part of the screen.

    Attributes:
        title: its name; summary: the text next to it.
        rows: most important first; with ``newest_last``, most important last.
        stretch: index of the column that gets the remaining width.
    """

    title: str
    summary: str
    rows: tuple[Cells, ...]
    stretch: int
    newest_last: bool = False


def frame(view: Overview, width: int, height: int) -> RenderableType:
    """The screen: at most ``height`` lines of at most ``width`` columns."""
    sections = [
        _services(view),
        _plans(view, width),
        _audits(view, width),
        _events(view, width),
    ]
    head = list(_head(view))
    room = height - len(head) - len(sections)
    granted = share([len(one.rows) for one in sections], max(0, room))
    parts: list[RenderableType] = [_line(one, width) for one in head]
    for section, count in zip(sections, granted, strict=True):
        parts.append(_line(_title(section, count), width))
        if count:
            parts.append(_grid(section, count, width))
    return Group(*parts)


def share(wanted: Sequence[int], room: int) -> list[int]:
    """Shares ``room`` lines among sections, one line each in turn; returns each one's number."""
    granted = [0] * len(wanted)
    while room > 0 and any(got < want for got, want in zip(granted, wanted, strict=True)):
        for index, want in enumerate(wanted):
            if room > 0 and granted[index] < want:
                granted[index] += 1
                room -= 1
    return granted


# -- the parts -----------------------------------------------------------------------------------


def _head(view: Overview) -> Iterator[Text]:
    where = view.installation
    running = f"up, pid {where.pid}" if where.pid else "not running here"
    parts = [running, f"{view.at.astimezone(UTC):%H:%M:%S} UTC", f"log {view.end}"]
    if where.api_url:
        parts.append(where.api_url)
    if where.cloud:
        parts.append(f"cloud {where.cloud}")
    yield Text.assemble((" VIGIL ", "bold reverse"), f" {' · '.join(parts)}")
    yield _read_models(view)
    yield _models(view)
    for problem in view.health.problems:
        yield Text(
            f" {problem.text}", style="yellow" if problem.severity == "warning" else "bold red"
        )


def _read_models(view: Overview) -> Text:
    behind = [one for one in view.projections if one.lag]
    text = Text(" read models ", style="dim")
    if not view.projections:
        text.append("none yet", style="yellow")
    elif behind:
        lags = ", ".join(f"{one.name} {one.lag} behind" for one in behind)
        text.append(lags, style="yellow")
    else:
        text.append("all current", style="green")
    building = [one.name for one in view.projections if one.building]
    if building:
        text.append(f" · building {', '.join(building)}", style="cyan")
    text.append(" · quarantine ", style="dim")
    text.append(str(view.quarantined), style="bold red" if view.quarantined else "green")
    if view.discarded_messages:
        text.append(f" · invalid messages {len(view.discarded_messages)}", style="bold red")
    error = next((one.error for one in view.projections if one.error), None)
    if error:
        text.append(f" · {error}", style="red")
    return text


def _models(view: Overview) -> Text:
    text = Text(" clouds ", style="dim")
    if not view.models:
        text.append("no model collected yet", style="yellow")
    for index, one in enumerate(view.models):
        text.append(" · " if index else "").append_text(_one_model(one))
    return text


def _one_model(one: ModelLine) -> Text:
    if one.absent:
        return Text(f"{one.cloud} {one.kind}: absent", style="dim")
    seen = "never collected" if one.age is None else f"confirmed {age(one.age)} ago"
    state = ", ".join(text for text in (sizes(one.sizes), seen) if text)
    shown = Text(f"{one.cloud} {one.kind}: {state}", style="red" if one.stale else "green")
    if one.failure:
        shown.append(f" {one.failure}", style="red")
    return shown


def _services(view: Overview) -> Section:
    down = sum(one.state != "ACTIVE" for one in view.roles)
    summary = f"{len(view.roles)}" + (f", {down} down" if down else "")
    rows = tuple(map(_service, sorted(view.roles, key=lambda one: one.state == "ACTIVE")))
    return Section("SERVICES", summary, rows, stretch=3)


def _service(one: RoleLine) -> Cells:
    state = Text(one.state, style="green" if one.state == "ACTIVE" else "bold red")
    seen = "" if one.age is None else f"seen {age(one.age)} ago"
    return (Text(one.name), Text(one.host or "", style="dim"), state, Text(seen))


def _plans(view: Overview, width: int) -> Section:
    rows: list[Cells] = []
    for one in view.plans:
        rows.append(_plan(one, width))
        rows.extend(_running_action(move, width) for move in one.running)
    active = sum(one.ongoing for one in view.plans)
    summary = f"{len(view.plans)}" + (f", {active} actions running" if active else "")
    return Section("ACTION PLANS", summary, tuple(rows), stretch=4)


def _plan(one: PlanLine, width: int) -> Cells:
    about = "  ".join(filter(None, (rest(one), one.goal, one.message)))
    return (
        Text(str(one.uuid)[:8]),
        _state(one.state),
        progress_bar(one, _bar_width(width)),
        Text(f"{one.succeeded}/{one.total}"),
        Text.assemble(unsuccessful(one), "  " * (one.ended > one.succeeded), about),
    )


def _running_action(one: RunningLine, width: int) -> Cells:
    known = one.percent is not None
    percent = one.percent or 0.0
    return (
        Text(""),
        Text(one.action_type, style="dim"),
        Text(bar(percent / 100, _bar_width(width)) if known else "", style="blue"),
        Text(f"{percent:.0f}%" if known else age(one.seconds)),
        Text("  ".join(filter(None, (amount(one), one.target))), style="dim"),
    )


def _bar_width(width: int) -> int:
    return 24 if width >= WIDE else 12


def _audits(view: Overview, width: int) -> Section:
    rows = tuple(_audit(one, width) for one in view.audits)
    return Section("AUDITS", str(len(view.audits)), rows, stretch=4)


def _audit(one: AuditLine, width: int) -> Cells:
    due = f"next {one.next_run_time.astimezone(UTC):%H:%M:%S}  " if one.next_run_time else ""
    goal = f"{one.goal} ({one.strategy})" if width >= WIDE else one.goal
    return (
        Text(str(one.uuid)[:8]),
        _state(one.state),
        Text(one.audit_type.lower(), style="dim"),
        Text(one.name),
        Text(f"{due}{goal}  {one.message}".rstrip()),
    )


def _events(view: Overview, width: int) -> Section:
    rows = tuple(_event(one, width) for one in view.events)
    return Section("EVENTS", f"newest of {view.end}", rows, stretch=2, newest_last=True)


def _event(one: EventLine, width: int) -> Cells:
    who = one.actor if width >= WIDE else one.actor[:12]
    return (
        Text(f"{one.at.astimezone(UTC):%H:%M:%S}", style="dim"),
        Text(who, style="cyan" if one.actor_kind == "user" else "dim"),
        Text(one.summary),
    )


def _state(state: str) -> Text:
    return Text(state, style=STATE_STYLES.get(state, ""))


# -- layout ----------------------------------------------------------------------------


def _title(section: Section, count: int) -> Text:
    hidden = len(section.rows) - count
    summary = f"{section.summary}, {hidden} lines not shown" if hidden else section.summary
    return Text.assemble((section.title, "bold"), (f"  {summary}", "dim"))


def _line(text: Text, width: int) -> Text:
    short = _safe(text).copy()
    short.truncate(width, overflow="ellipsis")
    short.no_wrap = True
    return short


def _grid(section: Section, count: int, width: int) -> Table:
    rows = section.rows[-count:] if section.newest_last else section.rows[:count]
    table = Table.grid(padding=(0, 1), expand=True)
    table.width = width
    for column in range(len(rows[0])):
        stretched = 1 if column == section.stretch else None
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=stretched)
    for row in rows:
        table.add_row(*map(_safe, row))
    return table


def _safe(text: Text) -> Text:
    """The text without unsafe characters; a text that has some loses its inner colours."""
    plain = one_line(text.plain)
    return text if plain == text.plain else Text(plain, style=text.style)
