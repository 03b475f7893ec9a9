"""What the panes of the debugger show, as lines of text: no longer than the pane is wide."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from application.replay.debugger.lines import Line
from application.replay.debugger.session import Session, State
from infrastructure.logs import one_line
from interfaces.terminal.drawing import BLUE, ORANGE, clipped
from interfaces.terminal.facts import DATED, fact_line
from interfaces.terminal.history import stamp, value_text

if TYPE_CHECKING:
    from application.replay.debugger.host_map import HostBar

WIDE = 100
"""Columns from which hosts show their servers."""
BAR, WIDEST = 10, 40
"""Least and most columns of the bar of a host."""
SIGNS, PERCENT, SERVERS = 5, 12, 12
"""Columns of its signs and gaps, its percentages, and its numbers of servers."""
NAME = 20
"""Most columns of the name of a host."""
STAYS, GAINED, FREED, FREE = "█", "+", "-", "·"


def header(session: Session, state: State | None, width: int) -> Text:
    """Position, time and object of the selected line."""
    line = Text(" VIGIL replay ", "bold reverse")
    if session.selected is None:
        return line.append("  the log is empty")
    fact = session.selected.fact
    parts = [f"{fact.position}/{session.in_log.size}"]
    if session.is_tree:
        parts.append(f"causes in run {str(fact.correlation_id)[:8]}")
    if session.is_every:
        parts.append("every event")
    parts.append(f"{stamp(fact.at)} UTC")
    if state is not None:
        parts.append(f"{state.kind} {str(fact.aggregate_id)[:8]} v{state.version}")
    return clipped(line.append(" " + " · ".join(parts)), width)


def list_lines(session: Session, rows: Sequence[Line], width: int) -> Iterator[Text]:
    """A line per fact: where the user stands, marks, and the fact as `vigil replay log` prints."""
    for row in rows:
        here = session.selected is not None and row.position == session.selected.position
        fact = row.fact
        marked = "●" if row.position in session.bookmarks else " "
        marked = "◆" if session.is_watched(fact) else marked
        line = Text.assemble(">" if here else " ", (marked, ORANGE))
        line.append_text(fact_line(fact, row.lead, with_date=width >= DATED))
        line = clipped(line, width)
        yield Text(line.plain.ljust(width), "reverse") if here else line


def state_lines(state: State, width: int) -> Iterator[Text]:
    """The attributes; first those that the event changed, with the value before."""
    for one in state.changed:
        line = Text.assemble(("* ", ORANGE), (_brief(one.path), "bold"), " ")
        name = one.path.rpartition(".")[2]
        line.append(f"{value_text(name, one.before).plain} -> ", "dim")
        line.append_text(value_text(name, one.after))
        yield clipped(line, width)
    names = min(max(map(len, state.values), default=0), width // 3)
    for name, value in state.values.items():
        yield clipped(Text(f"  {name:<{names}} ").append_text(value_text(name, value)), width)


def host_lines(bars: "Sequence[HostBar]", width: int, height: int, skip: int = 0) -> list[Text]:
    """A bar per host, by zone, in as many columns as there is room for.

    In its zone, a host that the plan changes comes before others. If not all fit, those that the
    event changed stand at the top.
    """
    lines = list(_zones(bars, width, lambda bar: f"zone {one_line(bar.zone)}"))
    changed = [bar for bar in bars if bar.changed]
    if len(lines) > height and changed:
        lines = [*_zones(changed, width, lambda _: "changed by this event"), *lines]
    skip = max(0, min(skip, len(lines) - height))
    shown = lines[skip : skip + height]
    hidden = len(lines) - skip - len(shown)
    if hidden > 0:
        shown[-1:] = [clipped(Text(f"… {hidden + 1} more lines", "dim"), width)]
    return shown


def _zones(
    bars: "Sequence[HostBar]", width: int, name: "Callable[[HostBar], str]"
) -> Iterator[Text]:
    names = min(max((len(bar.name) for bar in bars), default=0), NAME)
    fixed = names + (PERCENT if width < WIDE else PERCENT + SERVERS) + SIGNS
    columns = max(1, (width + 2) // (fixed + BAR))
    room = max(1, min(WIDEST, (width + 2) // columns - fixed))
    ordered = sorted(bars, key=lambda bar: (name(bar), not bar.planned, bar.name))
    for zone, group in groupby(ordered, key=name):
        found = [_host(bar, names, room, servers=width >= WIDE) for bar in group]
        yield clipped(Text.assemble((zone, "bold"), f"  {len(found)} hosts"), width)
        depth = -(-len(found) // columns)
        for row in range(depth):
            yield clipped(Text("  ").join(found[row::depth]), width)


def _host(bar: "HostBar", names: int, room: int, *, servers: bool) -> Text:
    line = Text.assemble(("*" if bar.changed else " ", ORANGE))
    line.append(" " if bar.in_service else "○")
    line.append(f"{one_line(bar.name)[:names]:<{names}} ", "bold" if bar.changed else "")
    line.append_text(usage_bar(bar.before, bar.now, room))
    line.append(f"{100 * bar.before:>4.0f} ->{100 * bar.now:>4.0f}%")
    if servers:
        moved = bar.servers != bar.servers_before
        line.append(f"{bar.servers_before:>5} ->{bar.servers:>4}", "" if moved else "dim")
    return line


def usage_bar(before: float, now: float, width: int) -> Text:
    """What is allocated of a host: what stayed, what was gained or freed, and what is free."""
    was, is_now = (round(max(0.0, min(1.0, part)) * width) for part in (before, now))
    kept, reached = min(was, is_now), max(was, is_now)
    text = Text(STAYS * kept, BLUE)
    text.append((GAINED if is_now > was else FREED) * (reached - kept), ORANGE)
    return text.append(FREE * (width - reached), "dim")


def _brief(path: str) -> str:
    """A path with shortened ids."""
    return ".".join(part[:8] if len(part) == 36 else part for part in path.split("."))  # noqa: PLR2004 - a UUID
