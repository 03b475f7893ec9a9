"""The recorded explanation of a plan in few lines: what leaves where, why, and what was refused."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from infrastructure.logs import one_line

Document = Mapping[str, Any]
"""A JSON object of the API."""

LEAVING, SHAPING = 12, 3
"""Most rows of the table of what leaves, and of the sentences on what shaped the plan."""
GIB = 1024
"""MiB."""
_THINGS = {"migrate": "servers", "volume_migrate": "volumes"}
"""Type of an action that moves something → what it moves, in the plural."""
_DONE = {
    ("change_nova_service_state", "disabled"): "disables",
    ("change_nova_service_state", "enabled"): "enables",
    ("change_node_power_state", "off"): "switches off",
    ("change_node_power_state", "on"): "switches on",
}
"""Type of an action on a host and the state that it sets → its verb."""


@dataclass
class Leaving:
    """What leaves a host or a pool.

    Attributes:
        source: its name.
        things: ``servers`` or ``volumes``.
        gigabytes: that are copied, known of volumes only.
        to: destination → number.
        frees: what is free when nothing is left; empty if something is.
    """

    source: str
    things: str
    gigabytes: int = 0
    to: Counter[str] = field(default_factory=Counter)
    frees: str = ""

    @property
    def count(self) -> int:
        """How many leave."""
        return self.to.total()


def explained(document: Document, hosts: Iterable[Document] = (), width: int = 80) -> Iterator[str]:
    """The lines.

    Args:
        document: the explanation of a plan, as the API returns it.
        hosts: as the API lists them; they say what an emptied host frees.
        width: columns; a longer word is not broken.
    """
    moves: Sequence[Document] = document["moves"]
    leaving = _leaving(moves, {one["name"]: one for one in hosts})
    yield from _summary(moves, leaving)
    if leaving:
        yield ""
        yield from _table(leaving, width)
    if moves:
        yield ""
        yield "Why, each sentence once, with the names of the first action that has it:"
        yield from folded([one["because"] for one in moves], width)
    shaped = list(_shaped(document, width))
    if shaped:
        yield ""
        yield "What shaped the plan:"
        yield from shaped


def counted(moves: Sequence[Document]) -> str:
    """What a plan does in a few words: ``moves 133 servers, disables 20 hosts``."""
    things = Counter(thing for one in moves if (thing := _thing(one)))
    verbs = Counter(_verb(one) for one in moves if not _thing(one))
    moved = " and ".join(_number(count, thing) for thing, count in things.most_common())
    parts = [f"moves {moved}"] if moved else []
    parts += [f"{verb} {_number(count, 'hosts')}" for verb, count in verbs.items()]
    return ", ".join(parts) or "does nothing"


def _summary(moves: Sequence[Document], leaving: Sequence[Leaving]) -> Iterator[str]:
    emptied = sum(1 for one in leaving if one.frees)
    freed = f" {_number(emptied, 'hosts')} become free." if emptied else ""
    yield f"The plan {counted(moves)}.{freed}"


def _thing(move: Document) -> str:
    """The kind of what an action moves, in the plural; empty if it moves nothing."""
    return _THINGS.get(move["action_type"], "")


def ends(move: Document) -> tuple[str, str]:
    """Between which hosts or pools an action moves something; empty if it moves nothing."""
    facts, given = move["because"]["facts"], move["input_parameters"]
    if not _thing(move):
        return "", ""
    source = facts.get("source") or given.get("source_node")
    destination = facts.get("destination") or given.get("destination_node")
    return str(source or "-"), str(destination or "-")


def _verb(move: Document) -> str:
    key = move["action_type"], str(move["input_parameters"].get("state"))
    return _DONE.get(key, f"runs {move['action_type']} on")


def _number(count: int, plural: str) -> str:
    return f"{count} {plural[:-1] if count == 1 else plural}"


# -- what leaves where -----------------------------------------------------------------------------


def _leaving(moves: Sequence[Document], hosts: Mapping[str, Document]) -> list[Leaving]:
    """The sources, those that most leave first."""
    found: dict[str, Leaving] = {}
    for one in moves:
        thing, (source, destination) = _thing(one), ends(one)
        if thing:
            row = found.setdefault(source, Leaving(source, thing))
            row.to[destination] += 1
            row.gigabytes += int(one["because"]["facts"].get("size", 0))
    for row in found.values():
        host = hosts.get(row.source)
        if host is not None and host["servers"] == row.count:
            memory = host["memory_mb"]["total"] / GIB
            row.frees = f"{host['vcpus']['total']:g} vCPUs {memory:.0f} GB"
    return sorted(found.values(), key=lambda row: (-row.count, row.source))


def _table(leaving: Sequence[Leaving], width: int) -> Iterator[str]:
    shown, more = leaving[:LEAVING], leaving[LEAVING:]
    names = max(len("from"), *(len(row.source) for row in shown))
    sizes = [_size(row) for row in shown]
    amounts = max(len("leave"), *map(len, sizes))
    frees = max(len(row.frees) for row in shown)
    head = f"  {'from':<{names}}  {'leave':<{amounts}}"
    yield f"{head}  {'frees':<{frees}}  to" if frees else f"{head}  to"
    for row, size in zip(shown, sizes, strict=True):
        line = f"  {one_line(row.source):<{names}}  {size:<{amounts}}  "
        line += f"{row.frees:<{frees}}  " if frees else ""
        yield line + _destinations(row.to, max(1, width - len(line)))
    if more:
        total = _number(sum(row.count for row in more), more[0].things)
        yield f"  … and {total} from {_number(len(more), 'others')}"


def _size(row: Leaving) -> str:
    size = f", {row.gigabytes} GB" if row.gigabytes else ""
    return f"{row.count:>2} {row.things}{size}"


def _destinations(to: Counter[str], width: int) -> str:
    """As many destinations as fit, with their numbers, and how many more there are."""
    names = [f"{one_line(name)} ({count})" for name, count in to.most_common()]
    for shown in range(len(names), 0, -1):
        rest = len(names) - shown
        text = ", ".join(names[:shown]) + (f", {rest} more" if rest else "")
        if len(text) <= width:
            return text
    return f"{_number(len(names), 'others')}"


# -- why -------------------------------------------------------------------------------------------


def folded(causes: Iterable[Document], width: int) -> Iterator[str]:
    """The sentence of each reason once, with its number.

    Args:
        causes: reasons with their sentences, as the API returns them.
        width: columns.
    """
    found: dict[str, list[str]] = {}
    for one in causes:
        found.setdefault(one["reason"], []).append(one["text"])
    for texts in sorted(found.values(), key=lambda one: -len(one)):
        yield from _item(f"{len(texts):>5} x  ", texts[0], width)


def _shaped(document: Document, width: int) -> Iterator[str]:
    """What was refused, and the remarks on the whole plan."""
    rejections: Sequence[Document] = document["rejections"]
    for one in rejections[:SHAPING]:
        yield from _item("  - ", one["because"]["text"], width)
    rest = int(document["rejection_count"]) - len(rejections[:SHAPING])
    if rest > 0:
        yield f"  - … and {_number(rest, 'others')} like these"
    refused = Counter(
        str(one["reason"]).replace("-", " ")
        for move in document["moves"]
        for one in move["because"]["facts"].get("refused") or ()
        if isinstance(one, dict) and "reason" in one
    )
    if refused:
        rules = ", ".join(f"{rule} ({count})" for rule, count in refused.most_common())
        yield from _item("  - ", f"emptier or better destinations were refused: {rules}", width)
    said = {one["because"]["text"] for one in rejections}
    for note in document["notes"]:
        if note["text"] not in said:
            yield from _item("  - ", note["text"], width)


def _item(lead: str, text: str, width: int) -> list[str]:
    return wrap(
        one_line(text),
        width,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
