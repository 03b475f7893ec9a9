"""Audits, action plans and actions."""

from functools import partial

from rich.text import Text

from interfaces.terminal.plan_progress import progress_bar, unsuccessful
from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Column, Document, Listing, Subject
from interfaces.terminal.wording import age, bar

BAR = 12
"""Columns of a bar of progress."""
PART = 8
"""Columns of the bar of an action."""
WIDE = 95
"""Columns of a pane from which the gain and the risk of a plan have columns of their own."""
PARENTS = 3
"""Numbers of the actions before an action that are shown."""

# -- audits ----------------------------------------------------------------------------------------


def _next_run(one: Document) -> str:
    return values.until(one.get("next_run_time"), one.get("now")) if _is_active(one) else "-"


def _is_active(one: Document) -> bool:
    return one["state"] in ("PENDING", "ONGOING")


AUDITS = Listing(
    name="AUDITS",
    columns=(
        Column(
            "name", lambda one: one["name"] or values.brief(one["uuid"]), lambda one: one["name"]
        ),
        Column("state", lambda one: values.state(one["state"]), lambda one: one["state"]),
        Column(
            "type", lambda one: one["audit_type"].lower(), lambda one: one["audit_type"], least=70
        ),
        Column("next run", _next_run, lambda one: one.get("next_run_time")),
        Column("goal", lambda one: one.get("goal") or "-", lambda one: one.get("goal"), least=90),
        Column("last outcome", lambda one: one.get("outcome") or one.get("message") or "-"),
    ),
    subject=lambda one: Subject("audit", one["uuid"], one["name"]),
    words=partial(
        values.words,
        names=("uuid", "name", "state", "audit_type", "goal", "strategy", "outcome", "message"),
    ),
    empty="no audit yet; `openstack optimize audit create` requests one",
)

# -- plans -----------------------------------------------------------------------------------------


def _progress(one: Document) -> Text | str:
    counts = values.counts(one)
    if counts is None:
        return ""
    return progress_bar(counts, BAR).append(f" {counts.succeeded}/{counts.total}")


def _plan_about(one: Document) -> Text:
    counts = values.counts(one)
    ended_badly = Text() if counts is None else unsuccessful(counts)
    rest = (
        values.left(one),
        one.get("strategy") or one.get("goal") or "",
        one.get("message") or "",
    )
    return Text("  ").join([part for part in (ended_badly, *map(Text, rest)) if part])


def _plan_in_short(one: Document) -> Text:
    gain = one.get("gain") or {}
    value = "" if gain.get("value") is None else values.number(gain["value"])
    parts = f"{value} {gain.get('unit') or ''}".strip(), one.get("risk")
    return Text("  ").join([*(Text(part) for part in parts if part), _plan_about(one)])


def _moves(one: Document) -> str:
    return "-" if one.get("moves") is None else str(one["moves"])


PLANS = Listing(
    name="PLANS",
    columns=(
        Column("plan", lambda one: values.brief(one["uuid"])),
        Column("state", lambda one: values.state(one["state"]), lambda one: one["state"]),
        Column("done", _progress, least=60),
        Column("moves", _moves, lambda one: one.get("moves"), right=True),
        Column("age", lambda one: age(one["age"]), lambda one: one["age"], right=True),
        Column(
            "gain",
            lambda one: values.gain(one.get("gain")),
            values.gained,
            least=WIDE,
        ),
        Column("risk", lambda one: one.get("risk") or "-", lambda one: one.get("risk"), least=WIDE),
        Column("about", _plan_about, least=WIDE),
        Column("gain, risk, about", _plan_in_short, most=WIDE - 1),
    ),
    subject=lambda one: Subject("plan", one["uuid"], values.brief(one["uuid"])),
    words=partial(
        values.words, names=("uuid", "state", "goal", "strategy", "audit_uuid", "message", "risk")
    ),
    empty="no action plan yet",
)

# -- actions ---------------------------------------------------------------------------------------


def _part(one: Document) -> Text | str:
    percent = one.get("percent")
    if percent is None:
        return ""
    style = "red" if one.get("stalled") else "blue"
    return Text.assemble((bar(percent / 100, PART), style), f" {percent:.0f}%")


def _copied(one: Document) -> str:
    found = values.gigabytes(one.get("copied"), one.get("size")), values.rate(one.get("rate"))
    return " ".join(filter(None, found))


def _took(one: Document) -> str:
    return "" if one.get("seconds") is None else age(one["seconds"])


def _because(one: Document) -> Text:
    failed = one["state"] == "FAILED"
    said = Text(one.get("message") or "", "red" if failed else "")
    stalled = Text("no progress" if one.get("stalled") else "", "red")
    return Text("  ").join(
        [part for part in (stalled, said, Text(one.get("because") or "")) if part]
    )


def _after(one: Document) -> str:
    numbers = [str(number) for number in one.get("after", ())]
    return ",".join(numbers[:PARENTS]) + "…" * (len(numbers) > PARENTS) or "-"


ACTIONS = Listing(
    name="ACTIONS",
    columns=(
        Column(
            "#", lambda one: str(one.get("number", "")), lambda one: one.get("number"), right=True
        ),
        Column("after", _after, least=70),
        Column("state", lambda one: values.state(one["state"]), lambda one: one["state"]),
        Column("type", lambda one: one["action_type"], lambda one: one["action_type"], least=100),
        Column("what", lambda one: one["target"], lambda one: one["target"]),
        Column("progress", _part, lambda one: one.get("percent")),
        Column("copied", _copied, lambda one: one.get("copied"), least=110),
        Column("for", _took, lambda one: one.get("seconds"), least=90, right=True),
        Column("because", _because),
    ),
    subject=lambda one: Subject("action", one["uuid"], one["target"]),
    words=partial(
        values.words,
        names=("uuid", "state", "action_type", "target", "because", "message", "detail"),
    ),
    empty="no action is running",
)
