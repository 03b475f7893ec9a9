"""The hosts of the cluster as tiles by zone: the fewer hosts, the larger their tiles."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from infrastructure.logs import one_line
from interfaces.terminal.drawing import BLUE, ORANGE, clipped
from interfaces.terminal.viewer.listing import Document, Rows
from interfaces.terminal.viewer.lists.cloud import (
    CLOSED,
    DOWN,
    RESOURCES,
    condition,
    fill,
    fill_after,
)

ALLOCATED, AFTER, FREE = "█", "◇", "·"
LEVELS = " ▁▂▃▄▅▆▇█"
"""The fill of a host in one cell."""
LEGEND = f"{ALLOCATED} allocated {AFTER} after the plan {CLOSED} closed {DOWN} down"
FULL = 0.9
"""Fill from which a host is drawn in the second colour, in bold."""
BARS: tuple[int, ...] = (30, 25, 20, 15, 10, 7, 4)
"""Columns of the bar of a tile: the first with which all hosts fit."""
NAME = 16
"""Most columns of a name."""

Zones = Sequence[tuple[str, Sequence[Document]]]


class Heat:
    """The tiles of hosts in a pane of some size.

    Args:
        rows: the hosts.
        resource: whose fill is shown, as the API names it.
        width: columns.
        height: lines.
    """

    def __init__(self, rows: Rows, resource: str, width: int, height: int) -> None:
        self._rows = rows
        self._resource = resource
        self._width, self._height = width, height
        ordered = sorted(rows.shown, key=lambda one: str(one.get("zone")))
        self._zones: Zones = [
            (zone, list(hosts))
            for zone, hosts in groupby(ordered, lambda one: str(one.get("zone")))
        ]
        self._name: int = min(NAME, max((len(str(one["name"])) for one in rows.shown), default=0))
        self._tile: int = self._size()

    @property
    def columns(self) -> int:
        """The number of tiles in a line."""
        return max(1, self._width // self._tile)

    def neighbour(self, step: int) -> Document | None:
        """The host some tiles after the selected one, in the order in which they are drawn."""
        order = [host for _, hosts in self._zones for host in hosts]
        places = (place for place, host in enumerate(order) if host is self._rows.selected)
        place = next(places, None)
        if place is None:
            return None
        return order[max(0, min(len(order) - 1, place + step))]

    def lines(self, *, focused: bool) -> list[Text]:
        """The tiles by zone, and the selected host in words."""
        if not self._rows.shown:
            return []
        tiles = list(self._tiles(focused=focused))
        room = self._height - 1
        chosen = next((at for at, (_, marked) in enumerate(tiles) if marked), 0)
        first = max(0, min(chosen - room // 2, len(tiles) - room))
        shown = [clipped(line, self._width) for line, _ in tiles[first : first + room]]
        return [*shown, clipped(self._in_words(), self._width)]

    def _size(self) -> int:
        """Columns of a tile: as many as let all hosts fit."""
        for bar in BARS:
            tile = 1 + self._name + 1 + bar + 6
            if tile <= self._width and self._lines_of(tile) <= self._height - 1:
                return tile
        names = 1 + self._name + 2
        return names if self._lines_of(names) <= self._height - 1 else 1

    def _lines_of(self, tile: int) -> int:
        columns = max(1, self._width // tile)
        return sum(1 - -len(hosts) // columns for _, hosts in self._zones)

    def _tiles(self, *, focused: bool) -> Iterator[tuple[Text, bool]]:
        """Each line, and whether it has the selected host."""
        selected = self._rows.selected
        for zone, hosts in self._zones:
            yield self._zone(zone, hosts), False
            for first in range(0, len(hosts), self.columns):
                part = hosts[first : first + self.columns]
                line = Text()
                for host in part:
                    tile = self._draw(host)
                    if focused and host is selected:
                        tile = Text(
                            f">{tile.plain[1:]}" if self._tile > 1 else tile.plain, "reverse"
                        )
                    line.append_text(tile)
                yield line, any(host is selected for host in part)

    def _zone(self, zone: str, hosts: Sequence[Document]) -> Text:
        mean = sum(fill(host, self._resource) for host in hosts) / len(hosts)
        about = f"  {len(hosts)} hosts, {100 * mean:.0f}% allocated"
        return Text.assemble((f"zone {one_line(zone)}", "bold"), (about, "dim"))

    def _draw(self, host: Document) -> Text:
        now, sign = fill(host, self._resource), condition(host)
        style = f"bold {ORANGE}" if now >= FULL else BLUE
        level = LEVELS[max(0, min(8, round(now * 8)))]
        if self._tile == 1:
            text = sign or (level if level != " " else FREE)
            return Text(text, "bold red" if sign == DOWN else style)
        name = one_line(host["name"])
        name = name if len(name) <= self._name else f"…{name[1 - self._name :]}"
        line = Text(sign or " ", "bold red" if sign == DOWN else "bold")
        line.append(f"{name:<{self._name}}")
        bar = self._tile - self._name - 8
        if bar < BARS[-1]:
            return line.append(level, style).append(" ")
        line.append(" ").append_text(self._bar(host, now, bar, style))
        return line.append(f"{100 * now:>4.0f}% ")

    def _bar(self, host: Document, now: float, width: int, style: str) -> Text:
        """Allocated as fill, and a mark where the plan leads."""
        full = round(min(1.0, now) * width)
        cells = [(ALLOCATED, style)] * full + [(FREE, "dim")] * (width - full)
        after = fill_after(host, self._resource)
        if after is not None and round(after * 100) != round(now * 100):
            cells[_cell(after, width)] = (AFTER, f"bold {ORANGE}")
        return Text.assemble(*cells)

    def _in_words(self) -> Text:
        host = self._rows.selected
        if host is None:
            return Text()
        parts = [f"{host['servers']} servers"]
        for key, name in RESOURCES.items():
            now, after = fill(host, key), fill_after(host, key)
            is_same = after is None or round(100 * after) == round(100 * now)
            then = "" if is_same else f" -> {100 * (after or 0):.0f}% after the plan"
            parts.append(f"{name} {100 * now:.0f}%{then}")
        sign, why = condition(host), host.get("disabled_reason")
        if sign:
            parts.append("down" if sign == DOWN else f"closed{f': {why}' if why else ''}")
        return Text.assemble((one_line(host["name"]), "bold"), f"  {one_line(', '.join(parts))}")


def _cell(part: float, width: int) -> int:
    return max(0, min(width - 1, round(part * width) - 1))
