"""Roles, faults and decisions."""

from functools import partial

from rich.text import Text

from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Column, Document, Listing, Subject
from interfaces.terminal.wording import age

SEVERITIES = {"failed": "✗", "blind": "?", "warning": "!"}
"""Severity → sign, worst first."""
STYLES = {"failed": "bold red", "blind": "bold magenta", "warning": "yellow"}


def _role_state(one: Document) -> Text:
    alive = one["state"] == "ACTIVE"
    return Text("● ACTIVE" if alive else "✗ FAILED", "" if alive else "bold red")


def _seen(one: Document) -> str:
    return "-" if one.get("age") is None else f"{age(one['age'])} ago"


def _restarts(one: Document) -> str:
    return str(one["restarts"]) if one.get("restarts") else ""


ROLES = Listing(
    name="ROLES",
    columns=(
        Column("role", lambda one: one["name"], lambda one: one["name"]),
        Column("state", _role_state, lambda one: one["state"]),
        Column("seen", _seen, lambda one: one.get("age"), right=True),
        Column("restarts", _restarts, lambda one: one.get("restarts") or 0, least=60, right=True),
        Column(
            "host", lambda one: Text(one["host"] or "-", "dim"), lambda one: one["host"], least=60
        ),
        Column("does now", lambda one: one.get("doing") or "idle"),
    ),
    subject=lambda one: Subject("role", f"{one['name']}@{one['host']}", one["name"]),
    words=partial(values.words, names=("name", "host", "state", "doing")),
    empty="no role has sent a heartbeat",
)


def _severity(one: Document) -> Text:
    sign = SEVERITIES.get(one["severity"], "!")
    return Text(f"{sign} {one['severity']}", STYLES.get(one["severity"], ""))


FAULTS = Listing(
    name="FAULTS",
    columns=(
        Column("", _severity, lambda one: list(SEVERITIES).index(one["severity"])),
        Column(
            "since", lambda one: values.clock_time(one.get("since")), lambda one: one.get("since")
        ),
        Column("what", lambda one: one["text"]),
    ),
    subject=lambda one: Subject(one["kind"], one["id"], one["subject"]),
    words=partial(values.words, names=("severity", "subject", "text", "code")),
    empty="no fault",
)

DECISIONS = Listing(
    name="DECISIONS",
    columns=(
        Column("decided", lambda one: one["at"][:19].replace("T", " "), lambda one: one["at"]),
        Column("plan", lambda one: values.brief(one["plan"]), least=70),
        Column("strategy", lambda one: one["strategy"], lambda one: one["strategy"], least=120),
        Column("state", lambda one: values.state(one["state"]), lambda one: one["state"]),
        Column("what, and why", lambda one: one["text"]),
    ),
    subject=lambda one: Subject("plan", one["plan"], values.brief(one["plan"])),
    words=partial(values.words, names=("plan", "strategy", "state", "text")),
    empty="no plan decided anything about it",
)
