from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.audits.reasons import WORKERS_LOST
from domain.kernel.reasons import OWNER_LOST, Cause


@dataclass(frozen=True)
class LostClaim:
    """A claim whose worker was lost during the run."""

    epoch: int
    worker: str


@dataclass
class Run:
    """A run that was requested and has not ended.

    Attributes:
        epoch: of the latest claim, 0 before the first.
        owner, host: the worker with the claim, None without a claim.
        not_before: the earliest time of the next claim of a deferred run.
        attempt: how often it was tried and deferred.
        lost: claims of lost workers, oldest first; released claims do not count.
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
        """The cause when the run is given up: the number of lost workers and their ids."""
        claims = [{"epoch": claim.epoch, "worker": claim.worker} for claim in self.lost]
        return Cause(
            WORKERS_LOST,
            {"count": len(claims), "last": self.lost[-1].worker, "lost": claims},
        )


def loss(because: Cause | None) -> bool:
    """Whether the cause of a takeover is a lost worker."""
    return because is not None and because.reason == OWNER_LOST
