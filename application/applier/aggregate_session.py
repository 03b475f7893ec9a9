from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

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
    """An aggregate that one worker writes to again and again.

    It stays in memory between decisions, so that a plan of thousands of actions is not folded anew
    for each of them. When somebody else appended (a user cancelled), it is folded anew and the
    decision is made again on what is there then.
    """

    def __init__(self, log: EventLog, clock: Clock, kind: type[A], aggregate_id: UUID) -> None:
        self._log = log
        self._clock = clock
        self._kind = kind
        self._id = aggregate_id
        self._state: A | None = None

    @property
    def state(self) -> A:
        """The aggregate as last seen.

        Raises:
            NotFound: it has no events.
        """
        if self._state is None:
            self._state = self._log.find(self._kind, self._id)
        if self._state is None:
            raise NotFound(self._kind.__name__, self._id)
        return self._state

    def refresh(self) -> A:
        """The aggregate as of now: folded anew if somebody else appended."""
        if self._state is not None and self._log.history(self._id, self._state.version):
            self._state = None
        return self.state

    def check_fence(self, version: int, claim: type[Event]) -> None:
        """Makes sure that nobody claimed it since a version. May be called from any thread.

        Raises:
            Fenced: somebody did.
        """
        for entry in self._log.history(self._id, version):
            if isinstance(entry, RecordedEvent) and isinstance(entry.event, claim):
                raise Fenced(
                    f"{self._kind.__name__} {self._id}", epoch=version, current=entry.version
                )

    def act(self, metadata: Metadata, decide: Callable[[A, Context], T]) -> T:
        """Decides and appends; decides again after a conflict or a passing outage.

        Raises:
            DomainError: the decision was a refusal; nothing was appended.
            ConcurrencyConflict, EventLogUnavailable: beyond patience.
        """

        def attempt() -> T:
            try:
                value = decide(self.state, Context(self._clock.now(), metadata))
                self._log.save(self.state)
            except BaseException:
                self._state = None  # its changes are not (known to be) saved: fold it again
                raise
            return value

        conflicts = (ConcurrencyConflict, EventLogUnavailable)
        return retry(attempt, RETRY, on=conflicts, clock=self._clock)
