"""Texts to read about a row: why it was decided, and all that the API says of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from infrastructure.logs import one_line
from interfaces.client import VigilClient
from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Document, Subject
from interfaces.terminal.viewer.rows_of import decision_rows
from interfaces.terminal.wording import target

PATHS = {
    "audit": "audits",
    "plan": "action_plans",
    "action": "actions",
    "host": "hosts",
    "server": "servers",
}
"""Kind of a subject → collection of the API."""


def why(api: VigilClient, subject: Subject, row: Document) -> Iterator[str]:
    """The reasons of a row.

    Args:
        api: answers.
        subject: what the row stands for.
        row: of a list.

    Raises:
        ClientError: they cannot be read.
    """
    match subject.kind:
        case "audit":
            yield from _of_audit(api, subject)
        case "plan":
            yield from _of_plan(api, subject.id)
        case "action":
            yield from _of_action(api, subject.id)
        case "server" | "host":
            yield from _of_resource(api, subject)
        case "event":
            yield from _of_event(api, row)
        case _:
            yield row.get("text") or row.get("doing") or "no more is known"


def _of_audit(api: VigilClient, subject: Subject) -> Iterator[str]:
    one = api.get(f"/v1/audits/{subject.id}")
    yield f"audit {one['name']}: {values.joined(one['state'], one.get('status_message'))}"
    asked = {"sort_key": "id", "sort_dir": "desc", "limit": 1}
    plans = api.get("/v1/action_plans", audit_uuid=one["uuid"], **asked)["action_plans"]
    if not plans:
        yield "It has no action plan yet; e shows its events."
        return
    yield "Its newest plan:"
    yield from _of_plan(api, plans[0]["uuid"])


def _of_plan(api: VigilClient, plan: str) -> Iterator[str]:
    found = api.get(f"/v1/action_plans/{plan}/explanation")
    count = found["rejection_count"]
    yield f"plan {plan}: {len(found['moves'])} actions, {count} alternatives rejected"
    yield from (f"note: {one['text']}" for one in found["notes"])
    for number, move in enumerate(found["moves"], start=1):
        yield f"{number:>4}  {move['action_type']} {target(move['input_parameters'])}"
        yield f"      because: {move['because']['text']}"
    yield from _rejected(found)


def _of_action(api: VigilClient, action: str) -> Iterator[str]:
    one = api.get(f"/v1/actions/{action}")
    given = one["input_parameters"]
    yield f"{one['action_type']} {target(given)}"
    yield f"  {values.joined(one['state'], one.get('status_message'))}"
    path = f"/v1/action_plans/{one['action_plan_uuid']}/explanation"
    found = api.get(path)
    for move in found["moves"]:
        if move["action_uuid"] == one["uuid"]:
            yield f"  because: {move['because']['text']}"
    only = {"server": given["resource_id"]} if given.get("resource_id") else {}
    about = api.get(path, **only)
    if about["rejections"]:
        yield "Alternatives for what it acts on:"
    yield from _rejected(about)


def _rejected(found: Document) -> Iterator[str]:
    for one in found["rejections"]:
        yield f"   -  not chosen: {one['subject']}: {one['because']['text']}"
    more = found["rejection_count"] - len(found["rejections"])
    if more > 0 and found["rejections"]:
        yield f"   -  {more} more alternatives were rejected"


def _of_resource(api: VigilClient, subject: Subject) -> Iterator[str]:
    found = api.get(f"/v1/{PATHS[subject.kind]}/{subject.id}/decisions")["decisions"]
    rows = decision_rows(found)
    yield f"{subject.kind} {subject.name}: {len(found)} decisions, newest first"
    for row in rows:
        stamp = row["at"][:19].replace("T", " ")
        yield f"{stamp}  plan {values.brief(row['plan'])}  {row['state']}"
        yield f"    {row['text']}"
    if not rows:
        yield "No plan decided anything about it."


def _of_event(api: VigilClient, row: Document) -> Iterator[str]:
    """An event, and the chain of those that caused it."""
    position: int | None = row["position"]
    for _ in range(CAUSES):
        if position is None:
            return
        found = api.get("/v1/events", after=position - 1, limit=1)["events"]
        if not found:
            return
        one = found[0]
        yield f"{one['position']}  {one['at'][:19].replace('T', ' ')} UTC  {one['type']}"
        yield f"    {one['actor'] or '-'} ({one['actor_kind']}): {one['summary']}"
        position = one.get("caused_by")
        if position is not None:
            yield "  because of:"


CAUSES = 20
"""Causes of an event that are followed."""


def describe(api: VigilClient, subject: Subject, row: Document) -> Iterator[str]:
    """Every value of a row, or of what it stands for.

    Raises:
        ClientError: it cannot be read.
    """
    path = PATHS.get(subject.kind)
    found = row if path is None else api.get(f"/v1/{path}/{subject.id}")
    yield from _values(found, "")
    if path in ("audits", "action_plans", "actions"):
        yield ""
        yield "events:"
        for one in api.get(f"/v1/{path}/{subject.id}/events", limit=1000)["events"]:
            yield f"  {one['position']:>6}  {one['at'][:19]}  {one['actor']}: {one['summary']}"


def _values(found: Mapping[str, Any], indent: str) -> Iterator[str]:
    width = max(map(len, found), default=0)
    for name, value in found.items():
        if name == "links":
            continue
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _values(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{name}: {len(value)}"
            for one in value:
                yield from _values(one, f"{indent}  ")
                yield f"{indent}  -"
        else:
            yield f"{indent}{name:<{width}}  {one_line('-' if value is None else str(value))}"
