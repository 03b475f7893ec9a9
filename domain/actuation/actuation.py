from datetime import datetime
from typing import Self

from domain.actuation.events import ActuationOpened, ActuationSwitchedOff, ActuationSwitchedOn
from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.errors import InvalidValue
from domain.kernel.ids import ACTUATION_ID
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause, Reason

ACTUATION_OFF = Reason(
    "actuation-off",
    "actuation is off since {at}, switched off by {by}: {why}",
)
LONGEST_REASON = 200
"""Characters of a reason: with its provenance it fits into a status message."""


class Actuation(Aggregate):
    """The switch of the installation. While it is off, no applier begins an action.

    Attributes:
        why, by, at: of the latest change, None before the first.
    """

    TOPIC = "actuation"

    is_on: bool = True
    why: str | None = None
    by: str | None = None
    at: datetime | None = None

    @classmethod
    def open(cls, ctx: Context) -> Self:
        """Records the switch; it is on."""
        return cls._new(ActuationOpened, ctx, ACTUATION_ID)

    def switch(self, ctx: Context, reason: str, *, on: bool) -> None:
        """Switches it; does nothing if it is in that state for the same reason.

        Raises:
            InvalidValue: the reason is empty or too long.
        """
        reason = " ".join(reason.split())
        if not 1 <= len(reason) <= LONGEST_REASON:
            raise InvalidValue("reason", f"must have 1 to {LONGEST_REASON} characters")
        if (self.is_on, self.why) != (on, reason):
            self._trigger(ActuationSwitchedOn if on else ActuationSwitchedOff, ctx, reason=reason)

    @property
    def hold(self) -> Cause | None:
        """Why no action may begin, None while it is on."""
        if self.is_on or self.at is None:
            return None
        at = self.at.isoformat(timespec="seconds")
        return Cause(ACTUATION_OFF, {"at": at, "by": self.by, "why": self.why})

    @evolves
    def _switched(self, event: ActuationSwitchedOff | ActuationSwitchedOn) -> None:
        self.is_on = isinstance(event, ActuationSwitchedOn)
        self.why = event.reason
        self.by = event.metadata.actor.name
        self.at = event.timestamp
