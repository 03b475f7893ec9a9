"""`vigil status` without a terminal: lines for people and grep."""

from collections.abc import Iterator, Mapping
from typing import Any

from infrastructure.logs import one_line
from interfaces.terminal.viewer import values
from interfaces.terminal.wording import age, outcomes, sizes

Document = Mapping[str, Any]
EVENTS = 10
"""Newest events that are printed."""


def lines(view: Document) -> Iterator[str]:
    """The overview of the API as lines; the first word of each is the kind of its subject."""
    health, where, actuation = view["health"], view["installation"], view["actuation"]
    yield _joined("health", health["state"])
    for one in health["problems"]:
        since = f"since {one['since']}" if one.get("since") else ""
        yield _joined("problem", one["severity"], one["code"], one["text"], since)
    cloud = f"cloud {where['cloud']}" if where.get("cloud") else ""
    simulated = "simulated" if where.get("simulated") else "LIVE"
    pid = f"pid {where['pid']}" if where.get("pid") else ""
    yield _joined("installation", where.get("version") or "", cloud, simulated, pid)
    yield _joined("database", where["database"])
    yield _joined("actuation", "on" if actuation["on"] else f"off: {actuation['reason'] or ''}")
    yield f"log end {view['end']}"
    for one in view["roles"]:
        seen = "" if one["age"] is None else f"seen {age(one['age'])} ago"
        host, doing = one["host"] or "", one["doing"]
        yield _joined("role", one["name"], host, one["state"], seen, doing)
    yield from map(_model, view["models"])
    for one in view["audits"]:
        due = values.until(one["next_run_time"], view["at"])
        yield _joined(
            "audit",
            *(one[name] or "" for name in ("uuid", "state", "audit_type", "goal", "name")),
            f"next {due}" if due != "-" else "",
            one["message"] or "",
        )
    for one in view["plans"]:
        yield from plan_lines(one)
    for one in view["projections"]:
        building = "building" if one["building"] else ""
        yield _joined(
            "projection", one["name"], f"position {one['position']}", f"lag {one['lag']}", building
        )
    yield f"quarantine {view['quarantined']}"
    for one in view["discarded_messages"]:
        yield _joined("discarded", *(f"{name} {value}" for name, value in one.items()))
    for one in view["events"][-EVENTS:]:
        yield _joined("event", one["position"], one["at"][:19], f"{one['actor']}:", one["summary"])


def plan_lines(plan: Document) -> Iterator[str]:
    """A plan and its running actions."""
    counts = values.counts(plan)
    done = "" if counts is None else f"{counts.succeeded}/{counts.total}"
    others = [] if counts is None else [f"{count} {state}" for count, state in outcomes(counts)]
    about = values.left(plan), plan.get("goal") or "", plan.get("message") or ""
    yield _joined("plan", plan["uuid"], plan["state"], done, *others, *about)
    for one in plan.get("running") or ():
        copied = values.gigabytes(one.get("copied"), one.get("size")), values.rate(one.get("rate"))
        parts = values.percent(one.get("percent")), *copied, one["target"], one.get("detail") or ""
        yield _joined("action", one["uuid"], one["action_type"], *parts)


def _model(one: Document) -> str:
    name = f"model {one['kind']} of {one['cloud']}"
    if one["absent"]:
        return _joined(name, "absent", one["failure"] or "")
    seen = "never collected" if one["age"] is None else f"confirmed {age(one['age'])} ago"
    stale = "STALE" if one["stale"] else ""
    return _joined(name, sizes(one["sizes"]), seen, stale, one["failure"] or "")


def _joined(*parts: object) -> str:
    return " ".join(text for part in parts if (text := one_line(str(part))))
