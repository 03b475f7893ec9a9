"""The port of collected models: confirmations (rows), states and versions (projected events)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class Confirmation:
    """The latest complete collection, even if it changed nothing, and what was told since.

    Attributes:
        digest: of its record.
        age: seconds since the time that the model is known to show: since the collection began, or
            since the time until which a listener has heard everything. By the database's clock.
        collected_age: seconds since the collection began.
        whole_age: seconds since the latest collection began that read everything again.
        told: digest of the model with everything that the listener heard; None: nobody vouched.
    """

    digest: str
    age: float
    collected_age: float
    whole_age: float
    told: str | None = None


@dataclass(frozen=True)
class Hearing:
    """What a listener can prove about one kind of model.

    Attributes:
        base: digest of the record of the collection that it amends.
        told: digest of the record with all facts that it has recorded; ``base`` if there are none.
        heard: seconds since the time until which it has recorded everything that was sent.
        unbroken: seconds for which it has missed nothing, and nothing was left unclear. A model
            that was collected earlier may lack something.
        fact: seconds since the latest message about this kind of model.
    """

    base: str
    told: str
    heard: float
    unbroken: float
    fact: float


@dataclass(frozen=True)
class ModelVersion:
    """A version of a model.

    Attributes:
        position: log position of the event.
        at: time of the event (UTC).
        sizes: number of rows by name (``hosts`` → 3).
        calls: number of requests of the collection.
        seconds: duration of the collection.
        problems: the first ones, of ``problem_count``.
        changes: counts by name; None if the previous model could not be read.
        base: digest of the collection; it differs from ``digest`` if notifications amended it.
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
    """The state of a collected model.

    Attributes:
        position: of the current version, None before the first one.
        failure: why the cloud cannot be read now, None if it can.
        failing_since: when the failure began.
    """

    model_id: UUID
    cloud: str
    kind: str
    position: int | None
    failure: Cause | None
    failing_since: datetime | None


class CollectedModels(Protocol):
    """Thread-safe.

    All methods raise ``StoreUnavailable`` if the database does not answer.
    """

    def confirm(
        self,
        model_id: UUID,
        digest: str,
        elapsed: float,
        *,
        whole_age: float = 0.0,
        doubtful: bool = False,
    ) -> None:
        """Confirms that a collection which began ``elapsed`` seconds ago has this digest.

        It changes nothing if a collection that began later is confirmed already.

        Args:
            model_id: of the model.
            digest: of the record.
            elapsed: seconds since the collection began.
            whole_age: seconds between the latest collection that read everything again and this.
            doubtful: whether it found a change that notifications should have reported.
        """
        ...

    def vouch(self, model_id: UUID, hearing: Hearing, limit: float) -> bool:
        """Makes the model as young as what a listener has heard; returns whether it did.

        It does so only if the latest collection is the one that the listener amends; if it began
        after the listener last missed something; if everything was read again less than ``limit``
        seconds ago; and if no collection of the last ``limit`` seconds, and none since the latest
        message, found a change that should have been reported.
        """
        ...

    def confirmation(self, model_id: UUID) -> Confirmation | None:
        """The latest confirmation; None if there is none."""
        ...

    def current(self, model_id: UUID, confirmed: Confirmation) -> str:
        """Digest of the confirmed collection with all amendments by notifications.

        The read models may lag behind the log, but not behind what a listener vouched for.
        """
        ...

    def states(self) -> list[ModelState]:
        """The states of all models, by cloud and kind."""
        ...

    def state(self, model_id: UUID) -> ModelState | None:
        """The state of a model, as of the last projected event."""
        ...

    def version(self, position: int) -> ModelVersion | None:
        """The version that was recorded at a position."""
        ...

    def version_at(self, model_id: UUID, moment: int | datetime) -> ModelVersion | None:
        """The version at a log position or at a time; None if there was none yet."""
        ...

    def versions(self, model_id: UUID) -> list[ModelVersion]:
        """All versions, in the order of the log."""
        ...
