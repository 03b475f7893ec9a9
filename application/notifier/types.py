"""Every type of notification, and which events send it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from application.notifier import payloads
from application.notifier.payloads import PayloadClass, Subject
from application.ports.notifier import Priority
from application.ports.projections import Row
from domain.audits import events as audits
from domain.kernel.aggregate import Event
from domain.plans import events as plans
from domain.plans.action import ActionState
from domain.plans.events import PlanState
from domain.plans.reasons import ABORTED_BY_CANCEL, PLAN_CANCELLED
from domain.plans.verification import (
    PLAN_BREAKS_RULE,
    PLAN_BREAKS_VOLUME_RULE,
    PLAN_HAS_INVALID_ACTION,
    PLAN_HAS_UNKNOWN_ACTION,
)
from domain.services import ServiceState
from domain.services import events as services

_OF_PLANNER = frozenset(
    {
        PLAN_BREAKS_RULE,
        PLAN_BREAKS_VOLUME_RULE,
        PLAN_HAS_INVALID_ACTION,
        PLAN_HAS_UNKNOWN_ACTION,
    }
)
"""Reasons for which a run failed after its strategy had ended."""
_WITH_PLAN = frozenset({PLAN_CANCELLED, ABORTED_BY_CANCEL})
"""Reasons for which an action of a cancelled plan was cancelled."""


@dataclass(frozen=True)
class NotificationType:
    """A type of notification.

    Attributes:
        warns: whether a notification about an object is a warning.
    """

    event_type: str
    payload: PayloadClass
    warns: Callable[[Subject], bool] = lambda _: False

    @property
    def is_error(self) -> bool:
        """Whether it reports an error: its phase is ``error``."""
        return self.event_type.endswith(".error")

    def priority(self, subject: Subject) -> Priority:
        """The priority of a notification about an object."""
        if self.is_error:
            return Priority.ERROR
        return Priority.WARN if self.warns(subject) else Priority.INFO


def _phases(name: str, payload: PayloadClass) -> dict[str, PayloadClass]:
    return {f"{name}.{phase}": payload for phase in ("start", "end", "error")}


TYPES: Mapping[str, NotificationType] = {
    name: NotificationType(name, payload)
    for name, payload in {
        "audit.create": payloads.AUDIT_CREATE,
        "audit.update": payloads.AUDIT_UPDATE,
        "audit.delete": payloads.AUDIT_DELETE,
        **_phases("audit.strategy", payloads.AUDIT_ACTION),
        **_phases("audit.planner", payloads.AUDIT_ACTION),
        "action_plan.create": payloads.PLAN_CREATE,
        "action_plan.update": payloads.PLAN_UPDATE,
        "action_plan.delete": payloads.PLAN_DELETE,
        **_phases("action_plan.execution", payloads.PLAN_ACTION),
        **_phases("action_plan.cancel", payloads.PLAN_CANCEL),
        "action.create": payloads.ACTION_CREATE,
        "action.update": payloads.ACTION_UPDATE,
        "action.delete": payloads.ACTION_DELETE,
        **_phases("action.execution", payloads.ACTION_EXECUTION),
        **_phases("action.cancel", payloads.ACTION_CANCEL),
    }.items()
} | {
    "service.update": NotificationType(
        "service.update",
        payloads.SERVICE_UPDATE,
        warns=lambda subject: subject.row["state"] == ServiceState.FAILED,
    )
}
"""Event type → its payload."""


class About(Enum):
    """The objects that a notification of an event is about.

    Attributes:
        ITSELF: the audit, plan or service of the event.
        ACTION: the action that the event names.
        ACTIONS: every action of the plan, a notification each.
    """

    ITSELF = auto()
    ACTION = auto()
    ACTIONS = auto()


@dataclass(frozen=True)
class Situation:
    """An event, and what was there before it.

    Attributes:
        before: row of its audit or plan; None if the event created that.
        action: row of the action that it names; None without one.
    """

    event: Any
    before: Row | None
    action: Row | None


When = Callable[[Situation], bool]
"""Whether an event sends a notification."""


def _always(_: Situation) -> bool:
    return True


@dataclass(frozen=True)
class Rule:
    """An event sends a notification.

    Attributes:
        shows_before: whether it shows the object before the event: for what ended by the event.
    """

    event_type: str
    about: About = About.ITSELF
    when: When = _always
    shows_before: bool = False


def _first_claim(now: Situation) -> bool:
    return bool(now.event.epoch == 1)


def _first_attempt(now: Situation) -> bool:
    return bool(now.event.attempt == 1)


def _scheduled(now: Situation) -> bool:
    return now.event.cause is audits.RunCause.SCHEDULE  # it changes the time of the next run


def _planner_failed(now: Situation) -> bool:
    return now.event.because.reason in _OF_PLANNER


def _plan_cancelling(now: Situation) -> bool:
    return now.before is not None and now.before["state"] == PlanState.CANCELLING


def _action_cancelling(now: Situation) -> bool:
    return now.action is not None and now.action["state"] == ActionState.CANCELLING


def _abort_begins(now: Situation) -> bool:
    because = now.event.because
    aborts = because is not None and because.reason == ABORTED_BY_CANCEL
    return aborts and not _action_cancelling(now)


def _cancelled_with_plan(now: Situation) -> bool:
    return _plan_cancelling(now) and now.event.because.reason in _WITH_PLAN


def _cancelled_at_once(now: Situation) -> bool:
    return _cancelled_with_plan(now) and not _action_cancelling(now)


def _no(when: When) -> When:
    return lambda now: not when(now)


_AUDIT_UPDATE = (Rule("audit.update"),)
_PLAN_UPDATE = Rule("action_plan.update")
_ACTION_UPDATE = Rule("action.update", About.ACTION)

RULES: Mapping[type[Event], tuple[Rule, ...]] = {
    audits.AuditRequested: (Rule("audit.create"),),
    audits.AuditRunRequested: (Rule("audit.update", when=_scheduled),),
    audits.AuditRunClaimed: (*_AUDIT_UPDATE, Rule("audit.strategy.start", when=_first_claim)),
    audits.AuditInputsRecorded: (),
    audits.AuditRunDeferred: _AUDIT_UPDATE,
    audits.AuditRunSucceeded: (
        Rule("audit.strategy.end", shows_before=True),
        Rule("audit.planner.start", shows_before=True),
        Rule("audit.planner.end", shows_before=True),
        *_AUDIT_UPDATE,
    ),
    audits.AuditRunFailed: (
        Rule("audit.strategy.error", when=_no(_planner_failed), shows_before=True),
        Rule("audit.strategy.end", when=_planner_failed, shows_before=True),
        Rule("audit.planner.start", when=_planner_failed, shows_before=True),
        Rule("audit.planner.error", when=_planner_failed, shows_before=True),
        *_AUDIT_UPDATE,
    ),
    audits.AuditCancelled: _AUDIT_UPDATE,
    audits.AuditSuspended: _AUDIT_UPDATE,
    audits.AuditResumed: _AUDIT_UPDATE,
    audits.AuditStateSet: _AUDIT_UPDATE,
    audits.AuditExpired: _AUDIT_UPDATE,
    audits.AuditChanged: _AUDIT_UPDATE,
    audits.AuditDeleted: (*_AUDIT_UPDATE, Rule("audit.delete")),
    plans.PlanProposed: (Rule("action_plan.create"), Rule("action.create", About.ACTIONS)),
    plans.PlanLaunched: (_PLAN_UPDATE,),
    plans.PlanClaimed: (_PLAN_UPDATE, Rule("action_plan.execution.start", when=_first_claim)),
    plans.PlanCancelRequested: (_PLAN_UPDATE, Rule("action_plan.cancel.start")),
    plans.PlanCancelled: (_PLAN_UPDATE, Rule("action_plan.cancel.end", when=_plan_cancelling)),
    plans.PlanSuperseded: (_PLAN_UPDATE,),
    plans.PlanReturnRequested: (),
    plans.PlanReturned: (),
    plans.PlanReturnFailed: (),
    plans.PlanHeld: (_PLAN_UPDATE,),
    plans.PlanReleased: (_PLAN_UPDATE,),
    plans.PlanSucceeded: (
        _PLAN_UPDATE,
        Rule("action_plan.execution.end"),
        Rule("action_plan.cancel.end", when=_plan_cancelling),
    ),
    plans.PlanFailed: (
        _PLAN_UPDATE,
        Rule("action_plan.execution.error", when=_no(_plan_cancelling)),
        Rule("action_plan.cancel.error", when=_plan_cancelling),
    ),
    plans.PlanDeleted: (
        Rule("action.delete", About.ACTIONS),
        _PLAN_UPDATE,
        Rule("action_plan.delete"),
    ),
    plans.ActionAdded: (Rule("action.create", About.ACTION),),
    plans.ActionIntended: (
        _ACTION_UPDATE,
        Rule("action.execution.start", About.ACTION, when=_first_attempt),
    ),
    plans.ActionAcknowledged: (),
    plans.ActionIsolated: (),
    plans.ActionWithheld: (_ACTION_UPDATE,),
    plans.ActionFollowedUp: (),
    plans.ActionStepIntended: (
        Rule("action.update", About.ACTION, when=_abort_begins),
        Rule("action.cancel.start", About.ACTION, when=_abort_begins),
    ),
    plans.ActionStepAcknowledged: (),
    plans.ActionSucceeded: (
        _ACTION_UPDATE,
        Rule("action.execution.end", About.ACTION),
        Rule("action.cancel.end", About.ACTION, when=_action_cancelling),
    ),
    plans.ActionFailed: (
        _ACTION_UPDATE,
        Rule("action.execution.error", About.ACTION, when=_no(_action_cancelling)),
        Rule("action.cancel.error", About.ACTION, when=_action_cancelling),
    ),
    plans.ActionSkipped: (_ACTION_UPDATE,),
    plans.ActionAnnotated: (_ACTION_UPDATE,),
    plans.ActionCancelled: (
        Rule("action.cancel.start", About.ACTION, when=_cancelled_at_once, shows_before=True),
        _ACTION_UPDATE,
        Rule("action.cancel.end", About.ACTION, when=_cancelled_with_plan),
    ),
    services.ServiceSeen: (),
    services.ServiceStateChanged: (Rule("service.update"),),
}
"""Event → the notifications that it sends, in this order."""
