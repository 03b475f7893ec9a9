"""The port of the progress of running actions. Rows, not events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class Progress:
    """The progress of a running action.

    Attributes:
        percent: None if it is unknown.
        detail: one word.
        because: why the state of the action in the cloud is unknown, None if it is known.
        copied: bytes that it has copied, None if that is unknown.
        unchanged_since: since when percent and copied have not changed. The board sets it; None:
            neither is known.
    """

    action_id: UUID
    percent: float | None
    detail: str
    updated_at: datetime
    because: Cause | None = None
    copied: int | None = None
    unchanged_since: datetime | None = None


class ProgressBoard(Protocol):
    """The progress of actions, written by appliers."""

    def put(self, progress: Progress) -> None:
        """Stores the progress of an action, unless a newer one is stored."""
        ...

    def of(self, action_ids: Sequence[UUID]) -> dict[UUID, Progress]:
        """The progress of some actions, without those that have none."""
        ...
