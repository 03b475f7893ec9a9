"""How a plan finds the action that ends its appliers.

An applier that is killed while it checks or observes an action leaves no event of it, and many
actions are in progress at once. After ``TOLERATED`` losses the actions are therefore executed one
at a time, each announced by an event, so that a further loss names one of them.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

TOLERATED: Final = 2
"""Lost appliers after which actions are executed one at a time."""
_CLEARED: Final = 8
"""Actions that have to end one at a time before they are executed together again."""


@dataclass
class Losses:
    """The appliers that a plan lost.

    Attributes:
        count: lost appliers, since actions were last executed together.
        ended_actions: actions that ended under the present claim.
        suspect: the action that is executed alone.
    """

    count: int = 0
    ended_actions: int = 0
    suspect: UUID | None = None

    @property
    def one_at_a_time(self) -> bool:
        """Whether actions are to be executed one at a time."""
        return self.count >= TOLERATED

    def lost(self) -> UUID | None:
        """Counts a lost applier; returns the action that it executed alone, if it did."""
        suspect = self.suspect
        self.count, self.ended_actions, self.suspect = self.count + 1, 0, None
        return suspect

    def ended(self, action: UUID) -> None:
        """An action ended."""
        self.ended_actions += 1
        if action == self.suspect:
            self.suspect = None
        if self.ended_actions >= _CLEARED:
            self.count = 0
