"""How commands run: decide on fresh aggregates, append at the expected version, or decide again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from application.kernel.retry import RetryPolicy, retry
from application.ports.clock import Clock
from application.ports.event_log import ConcurrencyConflict, EventLog
from domain.command_receipts import CommandReceipt
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import NotFound
from domain.kernel.ids import command_id
from domain.kernel.metadata import Context, Metadata

A = TypeVar("A", bound=Aggregate)

CONFLICT_RETRY = RetryPolicy(first_pause=0.02, attempts=5)
"""How often a command is decided again when others append first."""


class KeyReused(Exception):
    """An idempotency key was used before for a different request."""


class Transaction:
    """The aggregates that a command touches; saved together or not at all."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._touched: dict[UUID, Aggregate] = {}

    def find(self, kind: type[A], aggregate_id: UUID) -> A | None:
        """An aggregate as of now, None if there is none."""
        known = self._touched.get(aggregate_id)
        if known is None:
            known = self._log.find(kind, aggregate_id)
            if known is None:
                return None
            self._touched[aggregate_id] = known
        if not isinstance(known, kind):
            raise TypeError(f"{aggregate_id} is a {type(known).__name__}")
        return known

    def get(self, kind: type[A], aggregate_id: UUID) -> A:
        """An aggregate as of now.

        Raises:
            NotFound: there is none.
        """
        found = self.find(kind, aggregate_id)
        if found is None:
            raise NotFound(kind.__name__, aggregate_id)
        return found

    def add(self, aggregate: Aggregate) -> None:
        """Includes a new aggregate."""
        self._touched[aggregate.id] = aggregate

    def commit(self) -> int:
        """Appends everything pending; returns the log position that contains it."""
        return self._log.save(*self._touched.values())


T = TypeVar("T")


@dataclass(frozen=True)
class CommandResult(Generic[T]):
    """A command's result and the log position at which it can be read."""

    value: T
    position: int


class Commands:
    """Runs decisions against the log."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def run(
        self, metadata: Metadata, decide: Callable[[Transaction, Context], T]
    ) -> CommandResult[T]:
        """Decides and appends; on a conflict decides again on what is there then.

        Raises:
            DomainError: the decision was a refusal; nothing was appended.
            ConcurrencyConflict: others were faster each time.
        """

        def attempt() -> CommandResult[T]:
            transaction = Transaction(self._log)
            value = decide(transaction, Context(self._clock.now(), metadata))
            return CommandResult(value, transaction.commit())

        return retry(attempt, CONFLICT_RETRY, on=ConcurrencyConflict, clock=self._clock)

    def run_once(
        self,
        metadata: Metadata,
        decide: Callable[[Transaction, Context], UUID],
        *,
        key: str,
        request: str,
    ) -> CommandResult[UUID]:
        """As ``run``, but a command whose key was handled before returns its first result.

        Raises:
            KeyReused: the key was used for another request.
        """

        def decide_once(transaction: Transaction, ctx: Context) -> UUID:
            receipt = transaction.find(CommandReceipt, command_id(key))
            if receipt is not None:
                if receipt.request != request:
                    raise KeyReused(f"The key {key!r} was used for a different request.")
                return receipt.result
            result = decide(transaction, ctx)
            transaction.add(CommandReceipt.write(ctx, key, request, result))
            return result

        return self.run(metadata, decide_once)
