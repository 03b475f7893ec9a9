"""`vigil status` without a terminal: lines for people and grep, or JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from application.kernel.json_values import json_value
from application.queries.overview import ModelLine, Overview, PlanLine
from infrastructure.logs import one_line
from interfaces.terminal.plan_progress import amount, rest
from interfaces.terminal.wording import age, outcomes, sizes


def as_json(view: Overview) -> str:
    """The whole view as one JSON object."""
    return json.dumps(json_value(asdict(view)), indent=2)


def lines(view: Overview, events: int = 10) -> Iterator[str]:
    """The overview as lines; the first word of each is the kind of its subject."""
    where = view.installation
    yield f"installation {'up, pid ' + str(where.pid) if where.pid else 'not running here'}"
    yield f"database {where.database}"
    if where.api_url:
        yield f"api {where.api_url}"
    for problem in view.health.problems:
        yield _joined("problem", problem.severity, problem.code, problem.text)
    yield _joined("actuation", "on" if view.actuation.on else f"off: {view.actuation.reason}")
    yield f"log end {view.end}"
    for role in view.roles:
        seen = "" if role.age is None else f"seen {age(role.age)} ago"
        yield _joined("service", role.name, role.host or "", role.state, seen)
    yield from map(_model, view.models)
    for audit in view.audits:
        yield _joined("audit", audit.uuid, audit.state, audit.audit_type, audit.goal, audit.name)
    for plan in view.plans:
        yield from plan_lines(plan)
    for one in view.projections:
        building = "building" if one.building else ""
        yield _joined(
            "projection", one.name, f"position {one.position}", f"lag {one.lag}", building
        )
    yield f"quarantine {view.quarantined}"
    for message in view.discarded_messages:
        place = f"{message.subject} #{message.sequence}"
        yield _joined("poisoned", place, f"for {message.consumer}:", message.error)
    for event in view.events[-events:]:
        stamp = event.at.isoformat(timespec="seconds")
        yield _joined("event", event.position, stamp, f"{event.actor}:", event.summary)


def plan_lines(plan: PlanLine) -> Iterator[str]:
    """A plan and its running actions."""
    done = f"{plan.succeeded}/{plan.total}"
    others = (f"{count} {state}" for count, state in outcomes(plan))
    yield _joined("plan", plan.uuid, plan.state, done, *others, rest(plan), plan.goal, plan.message)
    for one in plan.running:
        percent = "-" if one.percent is None else f"{one.percent:.0f}%"
        copied = amount(one), one.target, one.detail
        yield _joined("action", one.uuid, one.action_type, percent, *copied)


def _model(one: ModelLine) -> str:
    name = f"model {one.kind} of {one.cloud}"
    if one.absent:
        return _joined(name, "absent", one.failure or "")
    seen = "never collected" if one.age is None else f"confirmed {age(one.age)} ago"
    stale = "STALE" if one.stale else ""
    return _joined(name, sizes(one.sizes), seen, stale, one.failure or "")


def _joined(*parts: object) -> str:
    return " ".join(text for part in parts if (text := one_line(str(part))))
