"""How commands run: decide on current aggregates, append at the expected version, or decide again.

A command with an idempotency key leaves a receipt in its transaction. If it is sent again, it finds
the receipt and returns the first result.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from application.kernel.endings import endings_logged
from application.kernel.errors import ApplicationError
from application.kernel.retry import RetryPolicy, retry
from application.ports.clock import Clock
from application.ports.event_log import ConcurrencyConflict, EventLog, EventLogUnavailable
from domain.command_receipts import CommandReceipt
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.ids import command_id
from domain.kernel.metadata import Context, Metadata

A = TypeVar("A", bound=Aggregate)
T = TypeVar("T")

CONFLICT_RETRY = RetryPolicy(first_pause=0.02, attempts=5)
"""How often a command is decided again when another writer appends first."""


class KeyReused(ApplicationError):
    """An idempotency key was used before for a different request."""


@dataclass(frozen=True)
class IdempotencyKey:
    """Identifies a command that must take effect once, however often it is sent.

    Attributes:
        key: unique per caller and intention.
        request: digest of the request, so that the key cannot be used for a different one.
    """

    key: str
    request: str


@dataclass(frozen=True)
class CommandResult(Generic[T]):
    """A command's result and the log position at which it can be read."""

    value: T
    position: int


class Transaction:
    """The aggregates that a command reads or changes; saved together or not at all."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._loaded: dict[UUID, Aggregate] = {}

    def find(self, kind: type[A], aggregate_id: UUID) -> A | None:
        """Returns an aggregate as of now, None if it does not exist."""
        found = self._loaded.get(aggregate_id) or self._log.find(kind, aggregate_id)
        if found is None:
            return None
        if not isinstance(found, kind):
            raise TypeError(f"{aggregate_id} is a {type(found).__name__}")
        self.add(found)
        return found

    def get(self, kind: type[A], aggregate_id: UUID) -> A:
        """Returns an aggregate as of now.

        Raises:
            NotFound: it does not exist.
        """
        found = self.find(kind, aggregate_id)
        if found is None:
            raise NotFound(kind.__name__, aggregate_id)
        return found

    def add(self, aggregate: Aggregate) -> None:
        """Includes a new aggregate."""
        self._loaded[aggregate.id] = aggregate

    def commit(self) -> int:
        """Appends all pending events; returns the log position that contains them."""
        with endings_logged(self._loaded.values()):
            return self._log.save(*self._loaded.values())


class Commands:
    """Runs decisions against the log."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    @overload
    def run(
        self, metadata: Metadata, decide: Callable[[Transaction, Context], T]
    ) -> CommandResult[T]: ...

    @overload
    def run(
        self,
        metadata: Metadata,
        decide: Callable[[Transaction, Context], UUID],
        once: IdempotencyKey | None,
    ) -> CommandResult[UUID]: ...

    def run(
        self,
        metadata: Metadata,
        decide: Callable[[Transaction, Context], Any],
        once: IdempotencyKey | None = None,
    ) -> CommandResult[Any]:
        """Decides and appends; on a conflict decides again on the new state.

        Args:
            metadata: provenance of the events.
            decide: called with a new transaction at each attempt.
            once: if given and a command with this key was handled before, nothing is decided and
                the result is that of the first one.

        Raises:
            DomainError: the decision was a refusal, which names the log position that it may
                rest on; nothing was appended.
            ConcurrencyConflict: other writers appended first at each attempt.
            KeyReused: the key was used for a different request.
        """

        def attempt() -> CommandResult[Any]:
            transaction = Transaction(self._log)
            value = _decided(transaction, Context(self._clock.now(), metadata), decide, once)
            return CommandResult(value, transaction.commit())

        try:
            return retry(attempt, CONFLICT_RETRY, on=ConcurrencyConflict, clock=self._clock)
        except (DomainError, ApplicationError) as refusal:
            with suppress(EventLogUnavailable):
                refusal.position = self._log.end()
            raise


def _decided(
    transaction: Transaction,
    ctx: Context,
    decide: Callable[[Transaction, Context], Any],
    once: IdempotencyKey | None,
) -> Any:
    if once is None:
        return decide(transaction, ctx)
    receipt = transaction.find(CommandReceipt, command_id(once.key))
    if receipt is not None:
        if receipt.request != once.request:
            raise KeyReused(
                "The Idempotency-Key was used before for a different request: "
                "send a new key with each new request."
            )
        return receipt.result
    result = decide(transaction, ctx)
    transaction.add(CommandReceipt.write(ctx, once.key, once.request, result))
    return result
