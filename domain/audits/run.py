from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kernel.reasons import Cause, Reason


@dataclass(frozen=True)
class LostClaim:
    """A claim whose worker disappeared while it worked on the run."""

    epoch: int
    worker: str


@dataclass
class Run:
    """A run that was requested and has not ended.

    Attributes:
        epoch: of the latest claim, 0 before the first.
        owner, host: the worker that holds the claim, None while nobody does.
        not_before: a deferred run is not claimable earlier.
        attempt: how often it was tried and deferred.
        lost: the claims that were lost, oldest first; a claim that was given back is not.
    """

    id: UUID
    number: int
    due: datetime
    epoch: int = 0
    owner: str | None = None
    host: str | None = None
    not_before: datetime | None = None
    attempt: int = 0
    lost: tuple[LostClaim, ...] = ()

    def lost_to(self, owner: str, because: Cause | None) -> tuple[LostClaim, ...]:
        """The lost claims once ``owner`` has claimed the run.

        Old events say ``owner-lost`` also when an owner resumed its own claim: that is no loss.
        """
        if self.owner in {None, owner} or not loss(because):
            return self.lost
        return (*self.lost, LostClaim(self.epoch, self.owner or ""))

    def verdict(self) -> Cause:
        """Why it is given up: how often a worker was lost over it, and which ones."""
        claims = [{"epoch": claim.epoch, "worker": claim.worker} for claim in self.lost]
        return Cause(
            Reason.WORKERS_LOST,
            {"count": len(claims), "last": self.lost[-1].worker, "lost": claims},
        )


def loss(because: Cause | None) -> bool:
    """Whether a takeover happened because a worker disappeared."""
    return because is not None and because.reason is Reason.OWNER_LOST
