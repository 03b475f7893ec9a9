"""Documents of the API as rows of lists."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Document
from interfaces.terminal.wording import target

HOST_ACTIONS = frozenset({"change_nova_service_state", "change_node_power_state"})
"""Types of actions whose resource is a host."""
RELATED = (
    ("resource_id", "server", "moves"),
    ("source_node", "host", "from"),
    ("destination_node", "host", "to"),
)
"""Parameter of an action → kind of what it names, and its part."""
DOWNTIME = frozenset({"resize", "stop", "change_node_power_state"})
"""Types of actions that interrupt what they act on."""


def action_row(
    one: Document, running: Mapping[str, Document], reasons: Mapping[str, str]
) -> dict[str, Any]:
    """An action with its progress and its reason.

    Args:
        one: as the API lists it.
        running: running action → its line in the overview.
        reasons: action → its reason.
    """
    progress = running.get(one["uuid"], {})
    return {
        **one,
        "target": target(one.get("input_parameters") or {}),
        "because": reasons.get(one["uuid"], ""),
        "message": one.get("status_message"),
        **{name: progress.get(name) for name in PROGRESS},
    }


PROGRESS = ("seconds", "percent", "detail", "size", "copied", "rate", "stalled")


def plan_row(one: Document, now: str | None) -> dict[str, Any]:
    """A plan of a list as the overview shows plans, without its counts."""
    indicators = one.get("global_efficacy") or one.get("efficacy_indicators") or [None]
    return {
        **one,
        "strategy": one.get("strategy_name"),
        "age": values.seconds_between(one.get("created_at"), now) or 0.0,
        "message": one.get("status_message"),
        "gain": indicators[0],
    }


def risk(actions: Iterable[Document]) -> str:
    """What the actions of a plan risk, in words: which of them interrupt a server."""
    counts = Counter(_risk(one) for one in actions)
    stops = [f"{count} {name}" for name, count in counts.items() if name]
    return f"{', '.join(stops)}: downtime" if stops else "no downtime"


def _risk(one: Document) -> str:
    if one["action_type"] == "migrate":
        live = (one.get("input_parameters") or {}).get("migration_type") == "live"
        return "" if live else "cold migrations"
    return f"{one['action_type']}" if one["action_type"] in DOWNTIME else ""


def related(action: Document) -> Iterator[Document]:
    """The server and the hosts of an action."""
    given = action["input_parameters"]
    if action["action_type"] in HOST_ACTIONS:
        yield _part("host", given.get("resource_name") or given["resource_id"], "host")
        return
    for key, kind, part in RELATED:
        if given.get(key):
            name = given.get("resource_name") if kind == "server" else None
            yield _part(kind, str(given[key]), part, name)


def _part(kind: str, ident: str, part: str, name: str | None = None) -> Document:
    return {"kind": kind, "id": ident, "name": name or ident, "part": part}


# -- the order of actions --------------------------------------------------------------------------


def in_order(actions: Sequence[Document]) -> list[Document]:
    """Actions after those that they wait for, numbered; ``after`` has the numbers of these.

    Actions of a circle, which no plan has, are left out.
    """
    known = {one["uuid"] for one in actions}
    waits = {one["uuid"]: known.intersection(one["parents"]) for one in actions}
    followers: dict[str, list[Document]] = {}
    for one in actions:
        for parent in waits[one["uuid"]]:
            followers.setdefault(parent, []).append(one)
    ready = deque(one for one in actions if not waits[one["uuid"]])
    numbers: dict[str, int] = {}
    found: list[Document] = []
    while ready:
        one = ready.popleft()
        ident = one["uuid"]
        numbers[ident] = len(numbers) + 1
        after = sorted(numbers[parent] for parent in one["parents"] if parent in numbers)
        found.append({**one, "number": numbers[ident], "after": after})
        for follower in followers.get(ident, ()):
            waits[follower["uuid"]].discard(ident)
            if not waits[follower["uuid"]]:
                ready.append(follower)
    return found


# -- decisions -------------------------------------------------------------------------------------


def because_of(explanation: Document) -> dict[str, str]:
    """Action → the reason for which the strategy proposed it."""
    return {one["action_uuid"]: one["because"]["text"] for one in explanation.get("moves") or ()}


def decision_rows(decisions: Iterable[Document]) -> list[Document]:
    """A row per action and per rejected alternative of decisions about a server or a host."""
    return [row for one in decisions for row in _decision(one)]


def _decision(one: Document) -> Iterator[Document]:
    head = {
        "at": one["created_at"],
        "plan": one["action_plan_uuid"],
        "strategy": one["strategy_name"],
        "state": one["state"],
    }
    for action in one["actions"]:
        what = f"{action['action_type']} {target(action['input_parameters'])}"
        parts = (what, action["because"], action["status_message"])
        yield {**head, "state": action["state"], "text": ": ".join(filter(None, parts))}
    for rejected in one["rejections"] or ():
        text = f"not chosen: {rejected['subject']}: {rejected['because']['text']}"
        yield {**head, "text": text}
