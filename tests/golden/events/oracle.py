"""A second fold of the golden story, written from docs/events.md: it imports nothing of Vigil.

It knows the events of that story only. An attribute that is added to an aggregate is added here,
too, with the value that it has without events of its own.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = dict[str, Any]
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
        FOLDS[line["topic"]](state, event)
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


def _intended(plan: Json, event: Json) -> None:
    action = plan["actions"][event["action_id"]]
    action.update(state="ONGOING", attempt=event["attempt"], intent=event["intent"])
    action["started_at"] = _time(event["timestamp"])


def _acknowledged(plan: Json, event: Json) -> None:
    plan["actions"][event["action_id"]]["receipt"] = event["receipt"]


def _succeeded(plan: Json, event: Json) -> None:
    _ended(plan, event, "SUCCEEDED")["outcome"] = event["facts"]


def _skipped(plan: Json, event: Json) -> None:
    _ended(plan, event, "SKIPPED").update(because=event["because"], note=event["note"])


def _ended(plan: Json, event: Json, state: str) -> Json:
    action: Json = plan["actions"][event["action_id"]]
    action.update(state=state, ended_at=_time(event["timestamp"]))
    plan["losses"]["ended_actions"] += 1
    return action


def _plan_succeeded(plan: Json, event: Json) -> None:
    plan.update(state="SUCCEEDED", because=event["because"], owner=None)


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
    "command.handled": _copied("key", "request", "result"),
}
