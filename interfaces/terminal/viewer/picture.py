"""What the viewer knows: the newest documents of the API, and how well it is connected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from interfaces.terminal.viewer.listing import Document
from interfaces.terminal.wording import duration

OLD = 15.0
"""Seconds after which a picture is old although the API is not known to be away."""


@dataclass(frozen=True)
class Picture:
    """The newest state.

    Attributes:
        url: of the API.
        overview: None before the first answer.
        hosts: with their zones in order.
        actions: of the plan that is running, or else of the next one.
        actions_of: which plan that is.
        risks: plan → what its actions risk.
        taken: when the overview arrived, None before.
        away: why the API does not answer; empty if it does.
        away_since: since when.
        unfollowed: why events are not followed as they happen; empty if they are.
        past: the log position that is shown instead of the present.
    """

    url: str = ""
    overview: Document | None = None
    hosts: Sequence[Document] = ()
    hosts_problem: str = ""
    actions: Sequence[Document] = ()
    actions_of: str = ""
    risks: Mapping[str, str] = field(default_factory=dict)
    taken: datetime | None = None
    away: str = ""
    away_since: datetime | None = None
    unfollowed: str = ""
    past: int | None = None

    def rows(self, name: str) -> Sequence[Document]:
        """A list of the overview."""
        return [] if self.overview is None else self.overview.get(name) or []

    def audits(self) -> list[Document]:
        """The audits with the outcome of their newest plan."""
        newest: dict[str, Document] = {}
        for plan in sorted(self.plans(), key=lambda one: str(one.get("created_at"))):
            newest[str(plan.get("audit_uuid"))] = plan
        now = None if self.overview is None else self.overview["at"]
        return [
            {**one, "now": now, "outcome": _outcome(one, newest.get(one["uuid"]))}
            for one in self.rows("audits")
        ]

    def plans(self) -> list[Document]:
        """The plans with their risk."""
        return [{**one, "risk": self.risks.get(one["uuid"])} for one in self.rows("plans")]

    def faults(self) -> list[Document]:
        """The problems of the installation, and what failed."""
        return [*map(_problem, problems(self)), *self._failed()]

    def _failed(self) -> Iterator[Document]:
        for kind, name in (("plan", "plans"), ("audit", "audits")):
            for one in self.rows(name):
                if one["state"] == "FAILED" or one.get("failed"):
                    yield _fault(kind, one)
        for message in self.rows("discarded_messages"):
            text = " ".join(f"{key} {value}" for key, value in message.items())
            yield _problem({"severity": "warning", "subject": "discarded message", "text": text})


def _outcome(audit: Document, plan: Document | None) -> str:
    if plan is None or audit["state"] == "FAILED":
        return str(audit.get("message") or "")
    done = f" {plan['succeeded']}/{plan['total']} done" if plan.get("total") else " nothing to move"
    failed = f", {plan['failed']} failed" if plan.get("failed") else ""
    return f"plan {plan['uuid'][:8]} {plan['state'].lower()},{done}{failed}"


def _problem(one: Document) -> Document:
    subject = str(one.get("subject") or "")
    ident = f"{one.get('code')} {subject}"
    return {"kind": "fault", "id": ident, "since": None, **one, "subject": subject}


def _fault(kind: str, one: Document) -> Document:
    name = one.get("name") or one["uuid"][:8]
    failed = f"{one['failed']} of {one['total']} actions failed." if one.get("failed") else ""
    return {
        "kind": kind,
        "id": one["uuid"],
        "severity": "failed",
        "subject": f"{kind} {name}",
        "since": None,
        "text": f"{kind} {name} {one['state'].lower()}. {one.get('message') or failed}".strip(),
    }


# -- health ----------------------------------------------------------------------------------------


class Health:
    """The worst of what the API says about itself, and of what the viewer sees of the API.

    Args:
        picture: what is known.
        now: UTC.
    """

    def __init__(self, picture: Picture, now: datetime) -> None:
        self.state = "ok"
        self.lines: list[str] = []
        if picture.overview is None or picture.away or _age(picture, now) > OLD:
            self._worse("blind", _unseen(picture, now))
        if picture.overview is not None:
            for one in problems(picture):
                self._worse(one["severity"], one["text"])
            said = (picture.overview.get("health") or {}).get("state")
            if said is None:
                self._worse("blind", "this version of Vigil does not report its health")
            elif said != "ok":
                self._worse(said, "")
        if picture.unfollowed and picture.past is None and not picture.away:
            self._worse(
                "warning", f"events are not followed, polling instead: {picture.unfollowed}"
            )

    def _worse(self, state: str, line: str) -> None:
        if RANKS.get(state, 1) > RANKS[self.state]:
            self.state = state if state in RANKS else "warning"
        if line:
            self.lines.append(line)


RANKS = {"ok": 0, "warning": 1, "blind": 2, "failed": 3}


def problems(picture: Picture) -> list[Document]:
    """The problems that the API reports, worst first."""
    health: Mapping[str, Any] = (picture.overview or {}).get("health") or {}
    found: list[Document] = list(health.get("problems") or [])
    return sorted(found, key=lambda one: -RANKS.get(one["severity"], 1))


def _age(picture: Picture, now: datetime) -> float:
    if picture.taken is None or picture.past is not None:
        return 0.0
    return (now - picture.taken).total_seconds()


def _unseen(picture: Picture, now: datetime) -> str:
    if picture.taken is None and not picture.away:
        return f"connecting to {picture.url}"
    since = picture.away_since or picture.taken or now
    reason = f": {picture.away}" if picture.away else ""
    shown = ""
    if picture.taken is not None:
        shown = f"; what you see is OLD, of {picture.taken.astimezone(UTC):%H:%M:%S}"
    return (
        f"no answer of the API since {since.astimezone(UTC):%H:%M:%S} UTC "
        f"({duration((now - since).total_seconds())}){shown}{reason}"
    )
