from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from application.kernel.endings import endings_logged
from application.kernel.retry import RetryPolicy, retry
from application.ports.clock import Clock
from application.ports.event_log import (
    ConcurrencyConflict,
    EventLog,
    EventLogUnavailable,
    RecordedEvent,
)
from domain.kernel.aggregate import Aggregate, Event
from domain.kernel.errors import Fenced, NotFound
from domain.kernel.metadata import Context, Metadata

A = TypeVar("A", bound=Aggregate)
T = TypeVar("T")

RETRY = RetryPolicy(first_pause=0.02, attempts=8)


class AggregateSession(Generic[A]):
    """An aggregate that one worker changes many times.

    The aggregate stays in memory between decisions, so that a plan of thousands of actions is not
    loaded for each of them. After another process appended an event (e.g. a user cancelled the
    plan), the session loads the aggregate again and repeats the decision.

    Args:
        log, clock: collaborators.
        kind, aggregate_id: the aggregate.
        metadata: of the events that are appended.
    """

    def __init__(
        self, log: EventLog, clock: Clock, kind: type[A], aggregate_id: UUID, metadata: Metadata
    ) -> None:
        self._log = log
        self._clock = clock
        self._kind = kind
        self._id = aggregate_id
        self._metadata = metadata
        self._state: A | None = None

    @property
    def state(self) -> A:
        """The aggregate as last loaded.

        Raises:
            NotFound: it has no events.
        """
        if self._state is None:
            self._state = self._log.find(self._kind, self._id)
        if self._state is None:
            raise NotFound(self._kind.__name__, self._id)
        return self._state

    def refresh(self) -> A:
        """Returns the current aggregate; loads it again if another process appended events."""
        if self._state is not None and self._log.history(self._id, self._state.version):
            self._state = None
        return self.state

    def check_fence(self, version: int, claim: type[Event]) -> None:
        """Checks that no claim was appended after a version. May be called from any thread.

        Raises:
            Fenced: the log has a later claim.
        """
        for entry in self._log.history(self._id, version):
            if isinstance(entry, RecordedEvent) and isinstance(entry.event, claim):
                raise Fenced(
                    f"{self._kind.__name__} {self._id}", epoch=version, current=entry.version
                )

    def run(self, decide: Callable[[A, Context], T]) -> T:
        """Decides and appends; decides again after a conflict or a short outage.

        Raises:
            DomainError: the aggregate refused; nothing was appended.
            ConcurrencyConflict, EventLogUnavailable: all attempts failed.
        """

        def attempt() -> T:
            try:
                value = decide(self.state, Context(self._clock.now(), self._metadata))
                with endings_logged([self.state]):
                    self._log.save(self.state)
            except BaseException:
                self._state = None  # its changes are not (known to be) saved: load it again
                raise
            return value

        conflicts = (ConcurrencyConflict, EventLogUnavailable)
        return retry(attempt, RETRY, on=conflicts, clock=self._clock)
