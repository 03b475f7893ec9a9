"""The port of kept models: how fresh they are (rows), and what each one was (a fold of events)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class Confirmation:
    """The latest complete collection, whether it changed anything or not.

    Attributes:
        digest: of the record that holds what it showed.
        age: seconds since it began, by the database's clock.
    """

    digest: str
    age: float


@dataclass(frozen=True)
class ModelVersion:
    """A content that a model had.

    Attributes:
        position: log position of the event.
        at: when it was recorded (UTC).
        sizes: how much there was of what (``hosts`` → 3).
        calls, seconds: what the collection cost.
        problems: the first of those that there were, ``problem_count`` in all.
        changes: counts by kind, None if they could not be told.
        base: digest of the collection that it is based on: its own, unless notifications amended
            it.
    """

    position: int
    model_id: UUID
    digest: str
    at: datetime
    sizes: dict[str, int]
    calls: int
    seconds: float
    problems: tuple[Cause, ...]
    problem_count: int
    changes: dict[str, int] | None
    base: str


@dataclass(frozen=True)
class ModelState:
    """How a kept model stands.

    Attributes:
        position: of its present version, None before the first one.
        failure: why the cloud cannot be read now, None if it can.
        failing_since: when that began.
    """

    model_id: UUID
    cloud: str
    kind: str
    position: int | None
    failure: Cause | None
    failing_since: datetime | None


class CollectedModels(Protocol):
    """Any thread may call anything at any time.

    All methods raise ``StoreUnavailable`` if the database does not answer.
    """

    def confirm(self, model_id: UUID, digest: str, elapsed: float) -> None:
        """Says that a collection which began ``elapsed`` seconds ago showed a model.

        One that began earlier than the latest known one changes nothing.
        """
        ...

    def confirmation(self, model_id: UUID) -> Confirmation | None:
        """The latest one, None if there never was any."""
        ...

    def current(self, model_id: UUID, confirmed: Confirmation) -> str:
        """Digest of what was confirmed, with everything that notifications told since."""
        ...

    def states(self) -> list[ModelState]:
        """All kept models, by cloud and kind."""
        ...

    def state(self, model_id: UUID) -> ModelState | None:
        """How a model stands, as far as the log has been folded."""
        ...

    def version(self, position: int) -> ModelVersion | None:
        """The version that was recorded at a position."""
        ...

    def version_at(self, model_id: UUID, moment: int | datetime) -> ModelVersion | None:
        """What a model was at a log position or at a time, None if it was not yet."""
        ...
