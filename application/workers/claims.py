"""Which runs and plans an instance may claim (docs/adr/0008-claims.md)."""

from dataclasses import dataclass

from application.ports.services import Instance, ServiceRegistry
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Refusal
from domain.kernel.reasons import OWNER_LOST, OWNER_RESUMED, OWNER_RETIRED, Cause


@dataclass(frozen=True)
class Claimable:
    """A run or a plan that an instance may claim.

    Attributes:
        owner: instance id of the current owner as it was read, None if it is unclaimed.
        takeover: why the claim may be taken over, None if it is unclaimed.
    """

    owner: str | None = None
    takeover: Cause | None = None

    def check_owner(self, what: str, owner: str | None) -> None:
        """Compares the present owner with the one that was read.

        Raises:
            Refusal: another instance has claimed it since.
        """
        if owner != self.owner:
            raise Refusal(f"{what} was claimed by {owner}.")


def claimable(services: ServiceRegistry, owner: str | None, me: Instance) -> Claimable | None:
    """Decides whether ``me`` may claim work; returns None if a live instance owns it.

    Args:
        services: the heartbeats of all instances.
        owner: instance id of the current owner, None if the work is unclaimed.
        me: the claimant. It may resume a claim of its own that it stopped working on.
    """
    if owner is None:
        return Claimable()
    facts: JsonObject = {"owner": owner, "successor": me.id}
    if owner == me.id:
        return Claimable(owner, Cause(OWNER_RESUMED, facts))
    if not services.is_presumed_dead(owner):
        return None
    # read after ``is_presumed_dead``: an instance retires before its process ends
    reason = OWNER_RETIRED if services.is_retired(owner) else OWNER_LOST
    return Claimable(owner, Cause(reason, facts))
