from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from domain.kernel.reasons import Cause, Reason


@dataclass(frozen=True)
class LostClaim:
    """A claim whose worker disappeared while it worked on the run."""

    epoch: int
    worker: str


@dataclass(frozen=True)
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

    def claimed(self, epoch: int, owner: str, host: str, because: Cause | None) -> Self:
        """The run with its new owner, and with the claim that was lost if it was taken over.

        Old events say ``owner-lost`` also when an owner resumed its own claim: that is no loss.
        """
        lost = self.lost
        if self.owner not in {None, owner} and loss(because):
            lost = (*lost, LostClaim(self.epoch, self.owner or ""))
        return replace(self, epoch=epoch, owner=owner, host=host, not_before=None, lost=lost)

    def deferred(self, not_before: datetime, attempt: int) -> Self:
        """The run without an owner, claimable from ``not_before`` on."""
        return replace(self, owner=None, host=None, not_before=not_before, attempt=attempt)

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
