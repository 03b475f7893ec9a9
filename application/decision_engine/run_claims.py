"""The claims of a decision engine on runs: claim, defer, release at a stop (docs/adr/0008)."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.services import Instance, ServiceRegistry
from application.workers.claims import Claimable, claimable
from domain.audits import Audit, Run
from domain.kernel.errors import Fenced, Refusal
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import OWNER_STOPPING, Cause

log = logging.getLogger(__name__)

STOP_TIMEOUT = 5.0
"""Seconds that running runs get to end at a stop; less than supervisors wait before they kill."""


@dataclass(frozen=True)
class RunClaim:
    """A run that this instance owns; the epoch fences its events."""

    audit_id: UUID
    run_id: UUID
    epoch: int


class RunClaims:
    """The claims of one instance on runs.

    Args:
        commands, services, clock: collaborators.
        instance, metadata: the claimant.
        limit: number of workers lost over one run after which the run fails.
    """

    def __init__(
        self,
        commands: Commands,
        services: ServiceRegistry,
        clock: Clock,
        instance: Instance,
        metadata: Metadata,
        *,
        limit: int,
    ) -> None:
        self._commands = commands
        self._services = services
        self._clock = clock
        self._me = instance
        self._metadata = metadata
        self._limit = limit
        self._claims: dict[UUID, RunClaim | None] = {}  # by audit; None: claim in progress
        self._closed = False
        self._changed = threading.Condition()

    def claimable(self, run: Run) -> Claimable | None:
        """Decides whether this instance may claim a run: it is due and no live instance owns it."""
        if run.not_before is not None and self._clock.now() < run.not_before:
            return None
        return claimable(self._services, run.owner, self._me)

    @contextmanager
    def claim(self, audit_id: UUID, run: Run, found: Claimable) -> Iterator[RunClaim | None]:
        """Claims a run for the duration of the block.

        Yields None if another instance claimed it first, if it is given up because it cost too
        many workers, or if this instance is stopping.
        """
        with self._changed:
            closed = self._closed
            if not closed:
                self._claims[audit_id] = None
        if closed:
            yield None
            return
        try:
            claim = self._claim(audit_id, run, found)
            with self._changed:
                self._claims[audit_id] = claim
            yield claim
        finally:
            with self._changed:
                del self._claims[audit_id]
                self._changed.notify_all()

    def _claim(self, audit_id: UUID, run: Run, found: Claimable) -> RunClaim | None:
        def decide(transaction: Transaction, ctx: Context) -> int | None:
            audit = transaction.get(Audit, audit_id)
            if audit.run is not None:
                found.check_owner(f"Run {run.id}", audit.run.owner)
            epoch = audit.claim_run(
                ctx, run.id, self._me.id, self._me.host, takeover=found.takeover
            )
            # in the transaction of the claim, so that the run cannot cost another worker
            given_up = audit.give_up_run(ctx, run.id, epoch, limit=self._limit)
            return None if given_up else epoch

        try:
            epoch = self._commands.run(self._metadata, decide).value
        except (Refusal, ConcurrencyConflict) as lost:
            log.info("run %s was not claimed: %s", run.id, lost)
            return None
        if epoch is None:
            log.error("run %s is given up: it cost too many workers", run.id)
            return None
        return RunClaim(audit_id, run.id, epoch)

    def defer(self, claim: RunClaim, because: Cause, pause: float, *, tried: bool) -> None:
        """Gives a run back; it can be claimed again after ``pause`` seconds."""
        self._commands.run(
            self._metadata,
            lambda tx, ctx: tx.get(Audit, claim.audit_id).defer_run(
                ctx,
                claim.run_id,
                claim.epoch,
                because,
                ctx.at + timedelta(seconds=pause),
                tried=tried,
            ),
        )

    def give_back(self, claim: RunClaim) -> None:
        """Releases a run that this instance, which is stopping, does not finish."""
        self.defer(claim, Cause(OWNER_STOPPING, {"owner": self._me.id}), 0.0, tried=False)

    def close(self, timeout: float) -> None:
        """Claims nothing more; gives back the runs that have not ended after ``timeout`` seconds.

        A supervisor kills a process that takes too long to stop, and that would count as a lost
        worker. Later events of a run that was given back are fenced.
        """
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._claims, timeout)
            left = [claim for claim in self._claims.values() if claim is not None]
        for claim in left:
            try:
                self.give_back(claim)
            except (Fenced, Refusal) as ended:
                log.info("run %s has ended: %s", claim.run_id, ended)
            except (ConcurrencyConflict, EventLogUnavailable):
                log.exception("run %s is not given back: its claim must time out", claim.run_id)
            else:
                log.warning("run %s is given back: this engine is stopping", claim.run_id)
