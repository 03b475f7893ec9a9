from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue


class AuditType(StrEnum):
    """How an audit is triggered."""

    ONESHOT = "ONESHOT"
    CONTINUOUS = "CONTINUOUS"
    EVENT = "EVENT"


@dataclass(frozen=True)
class AuditDefinition:
    """What a user requests with an audit.

    Attributes:
        goal, strategy: registered names; without a strategy, each run selects one for the goal.
        parameters: of the strategy, defaults filled in.
        scope: list form, as in the API.
        interval: seconds or a cron expression, verbatim.
        auto_trigger: whether the plans are launched without a user.
        force: whether a run may start while another plan is being executed.
        start_time, end_time: UTC.
    """

    name: str
    audit_type: AuditType
    goal: str
    strategy: str | None
    parameters: JsonObject
    scope: list[Any]
    interval: str | None = None
    auto_trigger: bool = False
    force: bool = False
    start_time: datetime | None = None
    end_time: datetime | None = None

    def check(self) -> None:
        """Raises InvalidValue if the interval or the times do not fit the audit type."""
        if self.audit_type is AuditType.CONTINUOUS and not self.interval:
            raise InvalidValue("interval", "is required for a CONTINUOUS audit")
        if self.audit_type is AuditType.ONESHOT:
            for name in ("interval", "start_time", "end_time"):
                if getattr(self, name) is not None:
                    raise InvalidValue(name, "is not allowed for a ONESHOT audit")
