"""Who may take over from whom."""

from application.ports.services import Instance, ServiceRegistry
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason


def takeover(services: ServiceRegistry, owner: str | None, me: Instance) -> Cause | None:
    """Why a claim may be taken over, None if it may not (or there is nothing to take over).

    Args:
        services: knows who lives.
        owner: instance id of the claim's holder, None if it has none.
        me: who wants it. A claim of its own that it no longer works on is its to take again.
    """
    if owner is None:
        return None
    facts: JsonObject = {"owner": owner, "successor": me.id}
    if owner == me.id:
        return Cause(Reason.OWNER_RESUMED, facts)
    if not services.gone(owner):
        return None
    # asked after that: a process says so before it ends
    reason = Reason.OWNER_RETIRED if services.retired(owner) else Reason.OWNER_LOST
    return Cause(reason, facts)
