"""The execution of a plan as it happens: a picture of fixed height, or a line per ten percent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from infrastructure.logs import one_line
from interfaces.demo.places import CLOSED, OFF, Place, Places
from interfaces.terminal.plan_explanation import Document
from interfaces.terminal.wording import bar, duration

ALLOCATED, FREE, AFTER = "█", "·", "◇"
SIGNS: Final = {CLOSED: "○", OFF: "✗"}
LEGEND = f"{ALLOCATED} allocated  {AFTER} after the plan  ○ takes no servers  ✗ off"
BLUE, ORANGE = "#56b4e9", "#e69f00"
"""Colours that colour-blind people tell apart; signs say the same without colours."""
RUNNING, STEPS = 5, 8
"""Lines of running actions; columns of the bar of each."""
NAME, BARS = 21, (20, 15, 10, 7, 5)
"""Most columns of a name; columns of a bar: the widest with which all places fit."""
OTHERS = 4
"""Columns of a tile beside name and bar: the sign, two gaps, and …"""
PERCENT = 4
"""… the percentage."""
WIDEST = 120
GB = 1e9


class Film:
    """Shows the progress of a plan.

    Args:
        console: a terminal gets the picture, anything else the lines.
        places: that the plan changes.
    """

    def __init__(self, console: Console, places: Places) -> None:
        self._console = console
        self._places = places
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._printed = -1

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, plan: Document, succeeded: Collection[str], seconds: float) -> None:
        """Shows the present state.

        Args:
            plan: its line in the overview.
            succeeded: ids of the actions that have succeeded.
            seconds: since the launch.
        """
        if self._live is not None:
            width = min(self._console.width, WIDEST)
            now = self._places.at(succeeded)
            shown = picture(plan, now, self._places.after, seconds, width, self._console.height)
            self._live.update(Group(*shown), refresh=True)
            return
        tenth = plan["ended"] * 10 // max(1, plan["total"])
        if tenth > self._printed:
            self._printed = tenth
            self._console.print(progress(plan, seconds).plain, markup=False)


def picture(
    plan: Document,
    now: Mapping[str, Place],
    after: Mapping[str, Place],
    seconds: float,
    width: int,
    height: int,
) -> list[Text]:
    """The lines of the picture: as many until the plan ends, fewer than ``height``."""
    room = max(1, height - RUNNING - 4)
    tiles = list(_tiles(now, after, width, room))
    running = [_running(one) for one in plan["running"][:RUNNING]]
    if plan["ended"] < plan["total"]:  # at the end no empty lines stay behind
        running += [Text("")] * (RUNNING - len(running))
    filled = bar(plan["ended"] / max(1, plan["total"]), max(10, width - 70))
    first = Text.assemble((f"{filled} ", "cyan")).append_text(progress(plan, seconds))
    lines = [first, *tiles, Text(LEGEND, "dim"), *running]
    for one in lines:
        one.truncate(width, overflow="ellipsis")
        one.no_wrap = True
    return lines


def progress(plan: Document, seconds: float) -> Text:
    """How far a plan is: ``12 s  ONGOING  63/153 actions, 8 running, 4.1 GB/s, 20s left``."""
    rates = [one["rate"] for one in plan["running"] if one.get("rate")]
    rest = (plan.get("rest") or {}).get("seconds")
    parts = [
        f"{plan['ended']}/{plan['total']} actions",
        f"{plan['ongoing']} running",
        f"{sum(rates) / GB:.1f} GB/s" if rates else "",
        f"{duration(rest)} left" if rest and plan["state"] != "SUCCEEDED" else "",
        *(f"{plan[name]} {name}" for name in ("failed", "cancelled", "skipped") if plan[name]),
    ]
    return Text(f"{seconds:3.0f} s  {plan['state']:<9}  {', '.join(filter(None, parts))}")


def _tiles(
    now: Mapping[str, Place], after: Mapping[str, Place], width: int, room: int
) -> Iterator[Text]:
    names = min(NAME, max(map(len, now), default=0))
    rows, size = 0, BARS[-1]
    for size in BARS:
        columns = max(1, width // (names + size + PERCENT + OTHERS))
        rows = -(-len(now) // columns)
        if rows <= room:
            break
    changing = sorted(now.values(), key=lambda one: one == after[one.name])
    shown: Sequence[Place] = list(now.values()) if rows <= room else changing[: room * columns]
    for first in range(0, len(shown), columns):
        line = Text()
        for one in shown[first : first + columns]:
            line.append_text(_tile(one, after[one.name], names, size))
        yield line


def _tile(place: Place, after: Place, names: int, size: int) -> Text:
    name = one_line(place.name)
    name = name if len(name) <= names else f"…{name[1 - names :]}"
    sign = SIGNS.get(place.condition, " ")
    text = Text.assemble((sign, "bold"), (f"{name:<{names}} ", "dim" if sign == "✗" else ""))
    text.append_text(_bar(place, after, size))
    return text.append(f"{100 * place.fill:>{PERCENT}.0f}% ")


def _bar(place: Place, after: Place, size: int) -> Text:
    """What is allocated, and a mark where that will be after the plan."""
    full = _cells(place.fill, size)
    bar = Text.assemble((ALLOCATED * full, BLUE), (FREE * (size - full), "dim"))
    if round(100 * after.fill) == round(100 * place.fill):
        return bar
    mark = max(0, _cells(after.fill, size) - 1)
    return Text.assemble(bar[:mark], (AFTER, f"bold {ORANGE}"), bar[mark + 1 :])


def _cells(part: float, size: int) -> int:
    return max(0, min(size, round(part * size)))


def _running(action: Document) -> Text:
    percent: Any = action.get("percent")
    known = percent is not None
    copied, size = action.get("copied"), action.get("size")
    amount = f"{copied / GB:.1f} of {size / GB:.1f} GB" if copied is not None and size else ""
    rate = f"{action['rate'] / GB:.1f} GB/s" if action.get("rate") else ""
    line = Text.assemble((bar(percent / 100, STEPS) if known else " " * STEPS, BLUE))
    line.append(f" {percent:>3.0f}%  " if known else "       ")
    line.append(one_line(action["target"]))
    return line.append(f"  {amount}  {rate}".rstrip(), "dim")
