"""Who may take over from whom."""

from application.ports.services import Instance, Services
from domain.kernel.aggregate import Facts
from domain.kernel.reasons import Because, Reason


def takeover(services: Services, owner: str | None, me: Instance) -> Because | None:
    """Why a claim may be taken over, None if it may not (or there is nothing to take over).

    Args:
        services: knows who lives.
        owner: instance id of the claim's holder, None if it has none.
        me: who wants it. A claim of its own that it no longer works on is its to take again.
    """
    if owner is None:
        return None
    facts: Facts = {"owner": owner, "successor": me.id}
    if owner == me.id:
        return Because(Reason.OWNER_RESUMED, facts)
    if not services.gone(owner):
        return None
    # asked after that: a process says so before it ends
    reason = Reason.OWNER_RETIRED if services.retired(owner) else Reason.OWNER_LOST
    return Because(reason, facts)
