"""What the viewer can change, and what it asks before it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interfaces.client import VigilClient
from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Document, Subject
from interfaces.terminal.viewer.picture import Picture

CANCELLED = {"RECOMMENDED": "CANCELLED", "PENDING": "CANCELLED", "ONGOING": "CANCELLING"}
"""State of a plan → the state that cancels it."""


class NotPossible(Exception):
    """The selected row cannot be changed so; the message says why."""


@dataclass(frozen=True)
class Change:
    """A change that the user has asked for.

    Attributes:
        what: a sentence, in the imperative.
        answer: what the user must enter to confirm it.
        needs_reason: whether a reason is asked for first.
        send: sends it, with the reason.
    """

    what: str
    answer: str
    needs_reason: bool
    send: Callable[[VigilClient, str], object]


def change(name: str, picture: Picture, subject: Subject | None, row: Document | None) -> Change:
    """The change that a key asks for.

    Args:
        name: launch, cancel, skip or actuation.
        picture: the newest.
        subject: what is selected.
        row: of it; None on a page without rows.

    Raises:
        NotPossible: it does not fit what is selected.
    """
    if picture.past is not None:
        raise NotPossible("this is the past: End returns to now")
    if picture.overview is None or picture.away:
        raise NotPossible("the API does not answer: nothing can be changed")
    found = picture.overview["installation"]
    is_live = not found.get("simulated")
    cloud = f"LIVE CLOUD {found['cloud']}" if is_live else f"simulated cloud {found['cloud']}"
    answer = "yes" if is_live else "y"
    if name == "actuation":
        return _actuation(picture.overview["actuation"], cloud, answer)
    if subject is None or row is None:
        raise NotPossible("nothing is selected")
    maker = {"launch": _launch, "cancel": _cancel, "skip": _skip}[name]
    return maker(subject, row, cloud, answer)


def _actuation(found: Document, cloud: str, answer: str) -> Change:
    state = "off" if found["on"] else "on"
    verb = "Suspend all changes to" if found["on"] else "Resume changes to"

    def send(api: VigilClient, reason: str) -> object:
        return api.put("/v1/actuation", {"state": state, "reason": reason})

    return Change(f"{verb} the {cloud}", answer, needs_reason=True, send=send)


def _launch(subject: Subject, row: Document, cloud: str, answer: str) -> Change:
    _check(subject, "plan", row, ("RECOMMENDED",), "launched")
    moves = f" ({row['moves']} moves)" if row.get("moves") is not None else ""
    what = f"Launch plan {values.brief(subject.id)}{moves} on the {cloud}"
    path = f"/v1/action_plans/{subject.id}/start"
    return Change(what, answer, needs_reason=False, send=lambda api, _: api.post(path))


def _cancel(subject: Subject, row: Document, cloud: str, answer: str) -> Change:
    _check(subject, "plan", row, tuple(CANCELLED), "cancelled")
    patch = _patch(state=CANCELLED[row["state"]])
    what = f"Cancel plan {values.brief(subject.id)}, which is {row['state']}, on the {cloud}"
    path = f"/v1/action_plans/{subject.id}"
    return Change(what, answer, needs_reason=False, send=lambda api, _: api.patch(path, patch))


def _skip(subject: Subject, row: Document, cloud: str, answer: str) -> Change:
    _check(subject, "action", row, ("PENDING",), "skipped")

    def send(api: VigilClient, reason: str) -> object:
        patch = _patch(state="SKIPPED", status_message=reason)
        return api.patch(f"/v1/actions/{subject.id}", patch)

    what = f"Skip the action {subject.name} on the {cloud}"
    return Change(what, answer, needs_reason=True, send=send)


def _check(
    subject: Subject, kind: str, row: Document, states: tuple[str, ...], participle: str
) -> None:
    if subject.kind != kind:
        raise NotPossible(f"select a {kind} first: only that can be {participle}")
    if row["state"] not in states:
        raise NotPossible(
            f"this {kind} is {row['state']}: only {' or '.join(states)} can be {participle}"
        )


def _patch(**changes: Any) -> list[dict[str, Any]]:
    return [
        {"op": "replace", "path": f"/{name}", "value": value} for name, value in changes.items()
    ]
