"""The port of progress: how far running actions are. Rows, not events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class Progress:
    """How far a running action is."""

    action_id: UUID
    percent: float | None
    detail: str
    updated_at: datetime
    because: Cause | None = field(default=None)


class ProgressBoard(Protocol):
    """Where appliers write how far running actions are."""

    def put(self, progress: Progress) -> None:
        """Replaces what is known of an action."""
        ...

    def of(self, action_ids: Sequence[UUID]) -> dict[UUID, Progress]:
        """What is known of some actions."""
        ...
