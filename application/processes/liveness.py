"""Who may take over from whom."""

from application.ports.services import Instance, Services
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
    if owner != me.id and not services.gone(owner):
        return None
    return Because(Reason.OWNER_LOST, {"owner": owner, "successor": me.id})
