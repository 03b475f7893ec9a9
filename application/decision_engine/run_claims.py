"""Taking runs, giving them back, and giving up those that nobody survives (docs/adr/0008)."""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.services import Instance, ServiceRegistry
from application.workers.liveness import takeover
from domain.audits import Audit, Run
from domain.audits.run import loss
from domain.kernel.errors import Fenced, Refusal
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Cause, Reason

log = logging.getLogger(__name__)

STOP_PATIENCE = 5.0
"""Seconds that runs get to end when the engine is told to stop: less than supervisors wait."""


@dataclass(frozen=True)
class ClaimableRun:
    """A run that this instance may claim.

    Attributes:
        run: as it was seen.
        takeover: why it may be taken from its holder, None if it has none.
    """

    run: Run
    takeover: Cause | None

    @property
    def suspect(self) -> bool:
        """Whether a worker disappeared while it worked on the run."""
        return bool(self.run.lost) or loss(self.takeover)


class RunClaims:
    """The claims of one instance on runs.

    Args:
        commands, services, clock: collaborators.
        instance, metadata: who claims.
        limit: so many workers may be lost over one run; then it is given up.
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
        self._held: dict[UUID, tuple[UUID, int] | None] = {}  # None: being claimed
        self._closed = False
        self._changed = threading.Condition()

    def offer(self, run: Run) -> ClaimableRun | None:
        """The run if it is to be had: due, and held by nobody who lives."""
        if run.not_before is not None and self._clock.now() < run.not_before:
            return None
        if run.owner is None:
            return ClaimableRun(run, None)
        why = takeover(self._services, run.owner, self._me)
        return None if why is None else ClaimableRun(run, why)

    def take(self, audit_id: UUID, offer: ClaimableRun) -> tuple[UUID, int] | None:
        """Claims a run: its id and epoch, None if it is not this instance's to work on.

        Whoever gets it says ``done`` afterwards.
        """
        with self._changed:
            if self._closed:
                return None
            self._held[audit_id] = None
        try:
            claimed = self._claim(audit_id, offer)
        except BaseException:
            self.done(audit_id)
            raise
        if claimed is None:
            self.done(audit_id)
        else:
            with self._changed:
                self._held[audit_id] = claimed
        return claimed

    def _claim(self, audit_id: UUID, offer: ClaimableRun) -> tuple[UUID, int] | None:
        seen = offer.run

        def decide(transaction: Transaction, ctx: Context) -> int | None:
            audit = transaction.get(Audit, audit_id)
            if audit.run is not None and audit.run.owner != seen.owner:
                raise Refusal(f"Run {seen.id} was taken by {audit.run.owner}.")
            epoch = audit.claim_run(
                ctx, seen.id, self._me.id, self._me.host, takeover=offer.takeover
            )
            # in the same transaction: nobody works on it in between, so nobody dies of it again
            given_up = audit.give_up_run(ctx, seen.id, epoch, limit=self._limit)
            return None if given_up else epoch

        try:
            epoch = self._commands.run(self._metadata, decide).value
        except (Refusal, ConcurrencyConflict) as lost:
            log.info("run %s went to somebody else: %s", seen.id, lost)
            return None
        if epoch is None:
            log.error("run %s is given up: it cost one worker after the other", seen.id)
            return None
        return seen.id, epoch

    def done(self, audit_id: UUID) -> None:
        """Nobody works on the audit's run here any more."""
        with self._changed:
            self._held.pop(audit_id, None)
            self._changed.notify_all()

    def defer(
        self, audit_id: UUID, run: UUID, epoch: int, because: Cause, pause: float, *, tried: bool
    ) -> None:
        """Gives a run back for a while."""
        self._commands.run(
            self._metadata,
            lambda tx, ctx: tx.get(Audit, audit_id).defer_run(
                ctx, run, epoch, because, ctx.at + timedelta(seconds=pause), tried=tried
            ),
        )

    def give_back(self, patience: float) -> None:
        """Takes nothing more, and gives back what does not end within so many seconds.

        A supervisor that loses its own patience kills the process, and that would look like the
        loss of a worker. What a run still finds here is fenced off.
        """
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._held, patience)
            left = {audit: held for audit, held in self._held.items() if held is not None}
        because = Cause(Reason.OWNER_STOPPING, {"owner": self._me.id})
        for audit_id, (run, epoch) in left.items():
            try:
                self.defer(audit_id, run, epoch, because, 0.0, tried=False)
            except (Fenced, Refusal) as ended:
                log.info("run %s ended meanwhile: %s", run, ended)
            except (ConcurrencyConflict, EventLogUnavailable):
                log.exception("run %s could not be given back; its claim waits for its end", run)
            else:
                log.warning("run %s is given back: this engine was told to stop", run)
