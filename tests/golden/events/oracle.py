"""A second fold of the golden stories, written from docs/events.md: it imports nothing of Vigil.

It knows the events of these stories only, in the stored form of each class version. An attribute
that is added to an aggregate is added here, too, with the value that it has without events of its
own.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

Json = dict[str, Any]
_VIGIL = UUID("6f1f2b1c-60a5-5c2e-9f0e-56c7f3a1d0b7")
_NEW_ACTION = {
    "state": "PENDING",
    "attempt": 0,
    "intent": None,
    "receipt": None,
    "steps": {},
    "aborting": None,
    "losses": 0,
    "because": None,
    "outcome": {},
    "restores": False,
    "started_at": None,
    "ended_at": None,
    "note": None,
    "late_steps": 0,
    "followed_up": False,
}


def hashes(lines: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """``AGGREGATE vN`` → the hash of its state after its N-th event."""
    states: dict[str, Json] = {}
    found = {}
    for line in lines:
        ident, event = line["aggregate"], line["state"]
        state = states.setdefault(ident, {})
        FOLDS[line["topic"]](state, {**event, "aggregate": ident})
        found[f"{ident} v{line['version']}"] = state_hash(state)
    return found


def state_hash(state: object) -> str:
    """SHA-256 of the canonical JSON, without the sentences that are rendered from reasons."""
    text = json.dumps(_without_texts(state), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        is_reason = "reason" in value and "facts" in value
        return {
            key: _without_texts(inner)
            for key, inner in value.items()
            if not (is_reason and key == "text")
        }
    return [_without_texts(one) for one in value] if isinstance(value, list) else value


def _time(text: str) -> str:
    return text.replace("Z", "+00:00")


# -- audits --------------------------------------------------------------------------------------


def _requested(audit: Json, event: Json) -> None:
    copied = (
        *("name", "audit_type", "goal", "strategy", "parameters", "scope", "interval"),
        *("auto_trigger", "force", "start_time", "end_time"),
    )
    audit.update({name: event[name] for name in copied})
    audit.update(state="PENDING", run=None, runs=0, last_due=None, last_host=None)
    audit.update(record_digest=None, because=None)


def _run_requested(audit: Json, event: Json) -> None:
    audit["runs"], audit["last_due"] = event["number"], _time(event["due"])
    audit["run"] = {"id": event["run_id"], "due": _time(event["due"])}
    audit["run"] |= {"number": event["number"], "epoch": 0, "owner": None, "host": None}
    audit["run"] |= {"not_before": None, "attempt": 0, "lost": []}


def _run_claimed(audit: Json, event: Json) -> None:
    audit["state"], audit["last_host"] = "ONGOING", event["host"]
    audit["run"] |= {name: event[name] for name in ("epoch", "owner", "host")}


def _inputs_recorded(audit: Json, event: Json) -> None:
    audit["record_digest"] = event["digest"]


def _run_succeeded(audit: Json, event: Json) -> None:
    audit["run"], audit["state"] = None, event["state"]


# -- plans ---------------------------------------------------------------------------------------


def _proposed(plan: Json, event: Json) -> None:
    copied = ("audit_id", "run_id", "strategy", "planner", "record", "state")
    plan.update({name: event[name] for name in copied}, undoes=event.get("undoes"))
    added: Json = {"size": None, "groups": []}  # to actions, by later versions
    plan["actions"] = {
        one["id"]: {"spec": {**added, **one}, **_NEW_ACTION} for one in event["actions"]
    }
    plan.update(epoch=0, owner=None, host=None, because=None, held=None)
    plan.update(execution_rule="ALWAYS")
    plan["losses"] = {"count": 0, "ended_actions": 0, "suspect": None}
    plan["returns"] = {"if_failed": False, "count": 0}
    plan["returns"] |= {"latest": None, "request": None, "failure": None}


def _launched(plan: Json, _: Json) -> None:
    plan["state"] = "PENDING"


def _claimed(plan: Json, event: Json) -> None:
    plan.update({name: event[name] for name in ("epoch", "owner", "host", "state")})
    plan["execution_rule"] = event.get("execution_rule", "ALWAYS")  # from version 2 on
    plan["returns"]["if_failed"] = event.get("return_if_failed", False)  # from version 3 on


def _intended(plan: Json, event: Json) -> None:
    action = plan["actions"][event["action_id"]]
    action.update(state="ONGOING", attempt=event["attempt"], intent=event["intent"])
    action["started_at"] = _time(event["timestamp"])


def _acknowledged(plan: Json, event: Json) -> None:
    plan["actions"][event["action_id"]]["receipt"] = event["receipt"]


def _step_intended(plan: Json, event: Json) -> None:
    action = plan["actions"][event["action_id"]]
    action["steps"] = {**action["steps"], event["step"]: event["attempt"]}
    action["aborting"] = action["aborting"] or event.get("because")


def _added(plan: Json, event: Json) -> None:
    spec = {"size": None, "groups": [], **event["spec"]}
    plan["actions"][event["action_id"]] = {"spec": spec, **_NEW_ACTION, "restores": True}


def _failed(plan: Json, event: Json) -> None:
    _ended(plan, event, "FAILED")["because"] = event["because"]


def _succeeded(plan: Json, event: Json) -> None:
    _ended(plan, event, "SUCCEEDED")["outcome"] = event["facts"]


def _skipped(plan: Json, event: Json) -> None:
    _ended(plan, event, "SKIPPED").update(because=event["because"], note=event["note"])


def _ended(plan: Json, event: Json, state: str) -> Json:
    action: Json = plan["actions"][event["action_id"]]
    action.update(state=state, ended_at=_time(event["timestamp"]))
    plan["losses"]["ended_actions"] += 1
    return action


def _plan_failed(plan: Json, event: Json) -> None:
    plan.update(state="FAILED", because=event["because"], owner=None)


def _return_requested(plan: Json, event: Json) -> None:
    number, asked = event["number"], event["return_plan"]
    run = str(uuid5(uuid5(_VIGIL, "return"), f"{event['aggregate']}\x1f{number}"))
    request = {"number": number, "run_id": run, "return_plan": asked}
    request |= {"automatic": event["automatic"], "requested_at": _time(event["timestamp"])}
    plan["returns"] |= {"count": number, "latest": asked, "request": request, "failure": None}


def _returned(plan: Json, _: Json) -> None:
    plan["returns"]["request"] = None


def _plan_succeeded(plan: Json, event: Json) -> None:
    plan.update(state="SUCCEEDED", because=event["because"], owner=None)


# -- cluster models ------------------------------------------------------------------------------


def _opened(model: Json, event: Json) -> None:
    model.update(cloud=event["cloud"], kind=event["kind"], digest=None, problem=None)
    model.update(began=None, collections=0, amendments=None)


def _collected(model: Json, event: Json) -> None:
    began = datetime.fromisoformat(event["timestamp"]) - timedelta(seconds=event["seconds"])
    model.update(digest=event["digest"], problem=None, began=began.isoformat(), amendments=None)
    model["collections"] += 1


# -- the others ----------------------------------------------------------------------------------


def _copied(*names: str, **more: Any) -> Callable[[Json, Json], None]:
    return lambda state, event: state.update({name: event[name] for name in names}, **more)


def _registered(catalogue: Json, event: Json) -> None:
    one = event["definition"]
    catalogue["definitions"][f"{one['kind']}/{one['name']}"] = one


FOLDS: dict[str, Callable[[Json, Json], None]] = {
    "audit.requested": _requested,
    "audit.run-requested": _run_requested,
    "audit.run-claimed": _run_claimed,
    "audit.inputs-recorded": _inputs_recorded,
    "audit.run-succeeded": _run_succeeded,
    "plan.proposed": _proposed,
    "plan.launched": _launched,
    "plan.claimed": _claimed,
    "plan.action-intended": _intended,
    "plan.action-acknowledged": _acknowledged,
    "plan.action-succeeded": _succeeded,
    "plan.action-skipped": _skipped,
    "plan.succeeded": _plan_succeeded,
    "plan.action-step-intended": _step_intended,
    "plan.action-step-acknowledged": lambda *_: None,
    "plan.action-added": _added,
    "plan.action-failed": _failed,
    "plan.failed": _plan_failed,
    "plan.return-requested": _return_requested,
    "plan.returned": _returned,
    "cluster-model.opened": _opened,
    "cluster-model.collected": _collected,
    "cluster-model.collection-failed": lambda model, event: model.update(problem=event["because"]),
    "cluster-model.recovered": lambda model, _: model.update(problem=None),
    "audit-template.created": _copied(
        *("name", "description", "goal", "strategy", "scope", "default_parameters"), deleted=False
    ),
    "audit-template.changed": lambda template, event: template.update(event["changes"]),
    "audit-template.deleted": lambda template, _: template.update(deleted=True),
    "name.reserved": _copied("kind", "name", "owner"),
    "name.released": lambda name, _: name.update(owner=None),
    "name.taken-again": _copied("name", "owner"),
    "catalogue.opened": lambda found, _: found.update(definitions={}, installations={}),
    "catalogue.definition-registered": _registered,
    "catalogue.definition-retired": lambda found, event: found["definitions"].pop(
        f"{event['kind']}/{event['name']}"
    ),
    "catalogue.installation-recorded": lambda found, event: found["installations"].update(
        {event["installation"]["instance"]: event["installation"]}
    ),
    "catalogue.installation-forgotten": lambda found, event: found["installations"].pop(
        event["instance"]
    ),
    "command.handled": _copied("key", "request", "result"),
}
