"""The payload classes of the notifications: names, versions and fields are a contract.

Consumers written for Watcher read them, so they change only by addition, with a higher version.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from application.kernel.json_values import json_value
from application.ports.projections import Row
from domain.kernel.reasons import Cause

NAMESPACE = "watcher"
PREFIX = "watcher_object"
FAULT_MODULE = "vigil"
"""``module_name`` of every fault: a fault has a reason, not a place in the code."""


@dataclass(frozen=True)
class Subject:
    """An object after an event, with the objects that its payload contains.

    Attributes:
        row: of the read tables, as the API shows the object.
        before: the row before the event, None if the event created the object.
        goal, strategy, audit, plan: other objects at that moment; None if there is none.
        topic: of the event.
        because: the reason of a fault.
    """

    row: Row
    before: Row | None = None
    goal: "Subject | None" = None
    strategy: "Subject | None" = None
    audit: "Subject | None" = None
    plan: "Subject | None" = None
    topic: str = ""
    because: Cause | None = None

    def earlier(self) -> "Subject":
        """The object before the event."""
        return self if self.before is None else replace(self, row=self.before)


Field = Callable[[Subject], Any]
"""Computes the value of a field."""


@dataclass(frozen=True)
class PayloadClass:
    """A versioned class of payloads.

    Attributes:
        fields: name → value; nested objects are versioned, too.
    """

    name: str
    version: str
    fields: Mapping[str, Field]

    def of(self, subject: Subject) -> dict[str, Any]:
        """The payload of an object."""
        return {
            f"{PREFIX}.namespace": NAMESPACE,
            f"{PREFIX}.name": self.name,
            f"{PREFIX}.version": self.version,
            f"{PREFIX}.data": {name: value(subject) for name, value in self.fields.items()},
        }

    def extended(self, name: str, version: str, **more: Field) -> "PayloadClass":
        """A class with these fields and further ones."""
        return PayloadClass(name, version, {**self.fields, **more})


def plain(value: object) -> Any:
    """A value of a row as JSON; times without fractions of seconds, as in Watcher's messages."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value) if isinstance(value, UUID) else json_value(value)


def _columns(*names: str) -> dict[str, Field]:
    def column(name: str) -> Field:
        return lambda subject: plain(subject.row[name])

    return {name: column(name) for name in names}


def _nested(kind: PayloadClass, other: Callable[[Subject], Subject | None]) -> Field:
    def value(subject: Subject) -> Any:
        found = other(subject)
        return None if found is None else kind.of(found)

    return value


def _state_update(name: str, version: str) -> Field:
    """The change of the state; without one all members are null."""
    names = ("old_state", "state", "status_message")

    def value(subject: Subject) -> Any:
        row, before = subject.row, subject.before
        changed = before is not None and before["state"] != row["state"]
        found = (before["state"], row["state"], row["status_message"]) if before and changed else ()
        values = dict(zip(names, found, strict=True)) if found else dict.fromkeys(names)
        return PayloadClass(name, version, _columns(*names)).of(Subject(values))

    return value


def _fault(subject: Subject) -> Any:
    because = subject.because
    return None if because is None else EXCEPTION.of(subject)


_TIMES = ("created_at", "updated_at", "deleted_at")

EXCEPTION = PayloadClass(
    "ExceptionPayload",
    "1.0",
    {
        "module_name": lambda _: FAULT_MODULE,
        "function_name": lambda subject: subject.topic,
        "exception": lambda subject: subject.because.reason if subject.because else None,
        "exception_message": lambda subject: str(subject.because),
    },
)
GOAL = PayloadClass(
    "GoalPayload",
    "1.0",
    _columns("uuid", "name", "display_name", "efficacy_specification", *_TIMES),
)
STRATEGY = PayloadClass(
    "StrategyPayload", "1.0", _columns("uuid", "name", "display_name", "parameters_spec", *_TIMES)
)
_AUDIT = _columns(
    "uuid",
    "name",
    "audit_type",
    "state",
    "parameters",
    "interval",
    "scope",
    "auto_trigger",
    "next_run_time",
    "status_message",
    *_TIMES,
    "goal_uuid",
    "strategy_uuid",
)
TERSE_AUDIT = PayloadClass("TerseAuditPayload", "1.3", _AUDIT)
AUDIT = TERSE_AUDIT.extended(
    "AuditPayload",
    "1.3",
    goal=_nested(GOAL, lambda subject: subject.goal),
    strategy=_nested(STRATEGY, lambda subject: subject.strategy),
)
AUDIT_CREATE = AUDIT.extended("AuditCreatePayload", "1.2")
AUDIT_UPDATE = AUDIT.extended(
    "AuditUpdatePayload", "1.2", state_update=_state_update("AuditStateUpdatePayload", "1.1")
)
AUDIT_DELETE = AUDIT.extended("AuditDeletePayload", "1.2")
AUDIT_ACTION = AUDIT.extended("AuditActionPayload", "1.2", fault=_fault)

_PLAN = _columns(
    "uuid", "state", "global_efficacy", "status_message", *_TIMES, "audit_uuid", "strategy_uuid"
)
TERSE_PLAN = PayloadClass("TerseActionPlanPayload", "1.2", _PLAN)
PLAN = TERSE_PLAN.extended(
    "ActionPlanPayload",
    "1.2",
    audit=_nested(TERSE_AUDIT, lambda subject: subject.audit),
    strategy=_nested(STRATEGY, lambda subject: subject.strategy),
)
PLAN_CREATE = PLAN.extended("ActionPlanCreatePayload", "1.2")
PLAN_UPDATE = PLAN.extended(
    "ActionPlanUpdatePayload",
    "1.2",
    state_update=_state_update("ActionPlanStateUpdatePayload", "1.1"),
)
PLAN_DELETE = PLAN.extended("ActionPlanDeletePayload", "1.2")
PLAN_ACTION = PLAN.extended("ActionPlanActionPayload", "1.2", fault=_fault)
PLAN_CANCEL = PLAN.extended("ActionPlanCancelPayload", "1.2", fault=_fault)

ACTION = PayloadClass(
    "ActionPayload",
    "1.1",
    {
        **_columns(
            "uuid", "action_type", "input_parameters", "state", "parents", "status_message", *_TIMES
        ),
        "action_plan": _nested(TERSE_PLAN, lambda subject: subject.plan),
    },
)
ACTION_CREATE = ACTION.extended("ActionCreatePayload", "1.1")
ACTION_UPDATE = ACTION.extended(
    "ActionUpdatePayload", "1.1", state_update=_state_update("ActionStateUpdatePayload", "1.1")
)
ACTION_DELETE = ACTION.extended("ActionDeletePayload", "1.1")
ACTION_EXECUTION = ACTION.extended("ActionExecutionPayload", "1.1", fault=_fault)
ACTION_CANCEL = ACTION.extended("ActionCancelPayload", "1.1", fault=_fault)

SERVICE_STATUS_UPDATE = PayloadClass(
    "ServiceStatusUpdatePayload", "1.0", _columns("old_state", "state")
)
SERVICE_UPDATE = PayloadClass(
    "ServiceUpdatePayload",
    "1.0",
    {
        "sevice_host": lambda subject: subject.row["host"],  # spelt so by the contract
        **_columns("name", "last_seen_up"),
        "status_update": SERVICE_STATUS_UPDATE.of,
    },
)
