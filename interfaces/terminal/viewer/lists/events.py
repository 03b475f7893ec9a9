"""Events: those of an action are one line, as `vigil replay log` shows them."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from rich.text import Text

from application.replay.routine import is_routine
from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Column, Document, Listing, Subject
from interfaces.terminal.wording import STATE_SIGNS, STATE_STYLES

OUTCOMES = {
    "plan.action-succeeded": "SUCCEEDED",
    "plan.action-failed": "FAILED",
    "plan.action-skipped": "SKIPPED",
    "plan.action-cancelled": "CANCELLED",
}
"""Type of event → state of the action that it ends."""
_ACTION = "plan.action-"


def folded(events: Iterable[Document]) -> list[Document]:
    """Events that matter, oldest first; those of an action are one, where its last one was."""
    found: dict[object, dict[str, Any]] = {}
    for one in events:
        if is_routine(one["type"]):
            continue
        key: object = one["position"]
        count = 1
        if one["type"].startswith(_ACTION):
            key = one.get("plan"), one["summary"].partition(": ")[0]
            count += found.pop(key, {}).get("count", 0)
        found[key] = {**one, "count": count}
    return list(found.values())


def _state(one: Document) -> str | None:
    if not one["type"].startswith(_ACTION):
        return None
    return OUTCOMES.get(one["type"], "ONGOING")


def _summary(one: Document) -> Text:
    name = _state(one)
    if name is None:
        return Text(one["summary"], "red" if "failed" in one["type"] else "")
    return Text(f"{STATE_SIGNS.get(name, '·')} {one['summary']}", STATE_STYLES.get(name, ""))


def _subject(one: Mapping[str, Any]) -> Subject:
    return Subject("event", str(one["position"]), one["summary"])


EVENTS = Listing(
    name="EVENTS",
    columns=(
        Column(
            "#",
            lambda one: Text(str(one["position"]), "dim"),
            lambda one: one["position"],
            least=100,
            right=True,
        ),
        Column(
            "time", lambda one: Text(values.clock_time(one["at"]), "dim"), lambda one: one["at"]
        ),
        Column("actor", lambda one: Text(one["actor"] or "-", "dim"), lambda one: one["actor"]),
        Column("what", _summary, lambda one: one["type"]),
    ),
    subject=_subject,
    words=partial(
        values.words,
        names=("position", "at", "actor", "type", "summary", "audit", "plan", "action"),
    ),
    empty="nothing has happened yet",
    tail=True,
)


def _part_subject(one: Document) -> Subject:
    return Subject(one["kind"], one["id"], one["name"]) if "part" in one else _subject(one)


PARTS = Listing(
    name="CONCERNS, THEN EVENTS",
    columns=(
        Column("", lambda one: one["part"] if "part" in one else values.clock_time(one["at"])),
        Column("", lambda one: one["kind"] if "part" in one else one["actor"]),
        Column("", lambda one: one["name"] if "part" in one else one["summary"]),
    ),
    subject=_part_subject,
    words=partial(values.words, names=("kind", "name", "part", "actor", "summary")),
)
"""What an action concerns, and its events."""
