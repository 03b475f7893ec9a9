"""The contract of the notifications, written down apart from the code that sends them.

A kind of value: ``uuid``, ``text``, ``time``, ``list``, ``dict``, ``flag``, or the name of a nested
payload class; ``?`` at the end: or null.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

Fields = Mapping[str, str]

TIMES = {"created_at": "time?", "updated_at": "time?", "deleted_at": "time?"}
TERSE_AUDIT = {
    "uuid": "uuid",
    "name": "text",
    "audit_type": "text",
    "state": "text",
    "parameters": "dict",
    "interval": "text?",
    "scope": "list",
    "auto_trigger": "flag",
    "next_run_time": "time?",
    "status_message": "text?",
    "goal_uuid": "uuid",
    "strategy_uuid": "uuid?",
    **TIMES,
}
AUDIT = {**TERSE_AUDIT, "goal": "GoalPayload", "strategy": "StrategyPayload?"}
TERSE_PLAN = {
    "uuid": "uuid",
    "state": "text",
    "global_efficacy": "list",
    "status_message": "text?",
    "audit_uuid": "uuid",
    "strategy_uuid": "uuid?",
    **TIMES,
}
PLAN = {**TERSE_PLAN, "audit": "TerseAuditPayload", "strategy": "StrategyPayload?"}
ACTION = {
    "uuid": "uuid",
    "action_type": "text",
    "input_parameters": "dict",
    "state": "text",
    "parents": "list",
    "status_message": "text?",
    "action_plan": "TerseActionPlanPayload",
    **TIMES,
}
STATE_UPDATE = {"old_state": "text?", "state": "text?", "status_message": "text?"}
FAULT = {"fault": "ExceptionPayload?"}

CLASSES: Mapping[str, tuple[str, Fields]] = {
    "AuditCreatePayload": ("1.2", AUDIT),
    "AuditUpdatePayload": ("1.2", {**AUDIT, "state_update": "AuditStateUpdatePayload"}),
    "AuditDeletePayload": ("1.2", AUDIT),
    "AuditActionPayload": ("1.2", {**AUDIT, **FAULT}),
    "TerseAuditPayload": ("1.3", TERSE_AUDIT),
    "AuditStateUpdatePayload": ("1.1", STATE_UPDATE),
    "ActionPlanCreatePayload": ("1.2", PLAN),
    "ActionPlanUpdatePayload": ("1.2", {**PLAN, "state_update": "ActionPlanStateUpdatePayload"}),
    "ActionPlanDeletePayload": ("1.2", PLAN),
    "ActionPlanActionPayload": ("1.2", {**PLAN, **FAULT}),
    "ActionPlanCancelPayload": ("1.2", {**PLAN, **FAULT}),
    "TerseActionPlanPayload": ("1.2", TERSE_PLAN),
    "ActionPlanStateUpdatePayload": ("1.1", STATE_UPDATE),
    "ActionCreatePayload": ("1.1", ACTION),
    "ActionUpdatePayload": ("1.1", {**ACTION, "state_update": "ActionStateUpdatePayload"}),
    "ActionDeletePayload": ("1.1", ACTION),
    "ActionExecutionPayload": ("1.1", {**ACTION, **FAULT}),
    "ActionCancelPayload": ("1.1", {**ACTION, **FAULT}),
    "ActionStateUpdatePayload": ("1.1", STATE_UPDATE),
    "GoalPayload": (
        "1.0",
        {
            "uuid": "uuid",
            "name": "text",
            "display_name": "text",
            "efficacy_specification": "list",
            **TIMES,
        },
    ),
    "StrategyPayload": (
        "1.0",
        {
            "uuid": "uuid",
            "name": "text",
            "display_name": "text",
            "parameters_spec": "dict",
            **TIMES,
        },
    ),
    "ServiceUpdatePayload": (
        "1.0",
        {
            "sevice_host": "text",
            "name": "text",
            "last_seen_up": "time",
            "status_update": "ServiceStatusUpdatePayload",
        },
    ),
    "ServiceStatusUpdatePayload": ("1.0", {"old_state": "text", "state": "text"}),
    "ExceptionPayload": (
        "1.0",
        {
            "module_name": "text",
            "function_name": "text",
            "exception": "text",
            "exception_message": "text",
        },
    ),
}
"""Payload class → version and fields."""

TYPES: Mapping[str, tuple[str, str]] = {
    "audit.create": ("AuditCreatePayload", "INFO"),
    "audit.update": ("AuditUpdatePayload", "INFO"),
    "audit.delete": ("AuditDeletePayload", "INFO"),
    "audit.strategy.start": ("AuditActionPayload", "INFO"),
    "audit.strategy.end": ("AuditActionPayload", "INFO"),
    "audit.strategy.error": ("AuditActionPayload", "ERROR"),
    "audit.planner.start": ("AuditActionPayload", "INFO"),
    "audit.planner.end": ("AuditActionPayload", "INFO"),
    "audit.planner.error": ("AuditActionPayload", "ERROR"),
    "action_plan.create": ("ActionPlanCreatePayload", "INFO"),
    "action_plan.update": ("ActionPlanUpdatePayload", "INFO"),
    "action_plan.delete": ("ActionPlanDeletePayload", "INFO"),
    "action_plan.execution.start": ("ActionPlanActionPayload", "INFO"),
    "action_plan.execution.end": ("ActionPlanActionPayload", "INFO"),
    "action_plan.execution.error": ("ActionPlanActionPayload", "ERROR"),
    "action_plan.cancel.start": ("ActionPlanCancelPayload", "INFO"),
    "action_plan.cancel.end": ("ActionPlanCancelPayload", "INFO"),
    "action_plan.cancel.error": ("ActionPlanCancelPayload", "ERROR"),
    "action.create": ("ActionCreatePayload", "INFO"),
    "action.update": ("ActionUpdatePayload", "INFO"),
    "action.delete": ("ActionDeletePayload", "INFO"),
    "action.execution.start": ("ActionExecutionPayload", "INFO"),
    "action.execution.end": ("ActionExecutionPayload", "INFO"),
    "action.execution.error": ("ActionExecutionPayload", "ERROR"),
    "action.cancel.start": ("ActionCancelPayload", "INFO"),
    "action.cancel.end": ("ActionCancelPayload", "INFO"),
    "action.cancel.error": ("ActionCancelPayload", "ERROR"),
    "service.update": ("ServiceUpdatePayload", "INFO or WARN"),
}
"""Event type → payload class and priority."""


def breaches(payload: object, name: str, where: str = "payload") -> list[str]:
    """How a payload differs from the contract of a class."""
    version, fields = CLASSES[name]
    if not isinstance(payload, dict) or set(payload) != {
        f"watcher_object.{key}" for key in ("namespace", "name", "version", "data")
    }:
        return [f"{where} is no versioned object"]
    data = payload["watcher_object.data"]
    identity = ("watcher", name, version)
    found = [
        f"{where} is {payload[f'watcher_object.{key}']}, not {wanted}"
        for key, wanted in zip(("namespace", "name", "version"), identity, strict=True)
        if payload[f"watcher_object.{key}"] != wanted
    ]
    found += [f"{where}.{one} is not in both" for one in sorted(set(data) ^ set(fields))]
    for one in sorted(set(data) & set(fields)):
        found += _wrong(data[one], fields[one], f"{where}.{one}")
    return found


def _wrong(value: object, kind: str, where: str) -> list[str]:
    if value is None:
        return [] if kind.endswith("?") else [f"{where} is null"]
    kind = kind.removesuffix("?")
    if kind in CLASSES:
        return breaches(value, kind, where)
    return [] if _fits(value, kind) else [f"{where} is {value!r}, not {kind}"]


def _fits(value: object, kind: str) -> bool:
    if kind in {"text", "list", "dict", "flag"}:
        return type(value) is {"text": str, "list": list, "dict": dict, "flag": bool}[kind]
    try:
        if kind == "uuid":
            return str(UUID(str(value))) == value
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z").tzinfo is not None
    except ValueError:
        return False
