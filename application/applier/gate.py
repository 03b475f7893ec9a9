"""Whether an action may begin now, over all plans and appliers of the installation."""

from application.kernel.actuation import actuation_view
from application.ports.event_log import EventLog
from domain.kernel.reasons import Cause

LOOK = 1.0
"""Seconds within which a plan that is held back notices that it may go on."""


class HeldBack(Exception):
    """An action may not begin now. Nothing was sent.

    Args:
        because: what holds it back.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


class StartGate:
    """Decides whether actions may begin.

    Args:
        log: has the actuation switch.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def hold(self) -> Cause | None:
        """Why no action may begin now, None if they may.

        Raises:
            UnreadableEvent, EventLogUnavailable: it cannot be decided.
        """
        return actuation_view(self._log).hold

    def check(self) -> None:
        """The last check before a request, after its intent.

        Raises:
            HeldBack: the action may not begin.
            UnreadableEvent, EventLogUnavailable: it cannot be decided.
        """
        because = self.hold()
        if because is not None:
            raise HeldBack(because)
