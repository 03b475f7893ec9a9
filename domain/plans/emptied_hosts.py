"""Hosts that a plan disables and moves servers off; what follows if servers are left on them."""

from collections.abc import Collection, Iterator
from typing import Final

from domain.cluster.compute.disabled_reasons import (
    DISABLED_BY_CONSOLIDATION,
    DISABLED_BY_RESOURCE_CONSOLIDATION,
)
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.plans.action import Action, ActionSpec, ActionState
from domain.plans.action_types.change_nova_service_state import CHANGE_SERVICE_STATE
from domain.plans.action_types.migrate import MIGRATE
from domain.plans.reasons import ALTERNATIVE_NOT_NEEDED, NO_LONGER_LEGAL, SKIPPED_BY_USER

HOST_KEEPS_SERVERS = Reason(
    "host-keeps-servers",
    "servers are left on {host}, which the plan disabled because it was to hold none",
)
SERVERS_LEFT = Reason(
    "servers-left",
    "{failed} of {total} actions failed, {skipped} were skipped and {cancelled} cancelled. Servers "
    "are left on {hosts}, which the plan leaves in service.",
    failed="number",
    total="number",
    skipped="number",
    cancelled="number",
)
SERVERS_LEFT_ON_DISABLED = Reason(
    "servers-left-on-disabled",
    "{failed} of {total} actions failed, {skipped} were skipped and {cancelled} cancelled. Servers "
    "are left on {hosts}; disabled by the plan: {disabled}.",
    failed="number",
    total="number",
    skipped="number",
    cancelled="number",
)

FREED: Final = frozenset({DISABLED_BY_CONSOLIDATION, DISABLED_BY_RESOURCE_CONSOLIDATION})
"""Reasons of disabling hosts only because they hold no servers. A host that is disabled for another
reason (maintenance) stays so."""
_UNDONE: Final = frozenset({SKIPPED_BY_USER, ALTERNATIVE_NOT_NEEDED, NO_LONGER_LEGAL})
"""Reasons of skipping actions that would have had something to do."""
_LISTED = 5


def disabled_host(spec: ActionSpec) -> str | None:
    """The host that an action disables, if it does."""
    return _switched(spec, "disabled")


def left_host(spec: ActionSpec) -> str | None:
    """The host that an action moves a server off, if it does."""
    return str(spec.parameters.get("source_node")) if spec.type == MIGRATE else None


def is_met(action: Action) -> bool:
    """Whether what an action was to bring about is so: it succeeded, or there was nothing to do.

    Handlers skip a move only if the server is gone or elsewhere; others skip any action.
    """
    if action.state is ActionState.SKIPPED:
        return action.because is not None and action.because.reason not in _UNDONE
    return action.state is ActionState.SUCCEEDED


def keeps_servers(action: Action, required: Action) -> bool:
    """Whether a disabling may not run, because a user skipped a move that it requires."""
    return (
        disabled_host(action.spec) is not None
        and left_host(required.spec) is not None
        and required.ended
        and not is_met(required)
    )


def enablings(actions: Collection[Action]) -> Iterator[tuple[JsonObject, Cause]]:
    """What to enable again after all actions have ended: input parameters and reason.

    These are the hosts that the plan disabled because it was to empty them, and on which servers
    are left. An enabling takes place only while the host is disabled for the plan's reason.
    """
    tried = {_switched(one.spec, "enabled") for one in actions if one.restores}
    for one in _on_which_servers_are_left(actions):
        host, given = disabled_host(one.spec), one.spec.parameters
        if given.get("disabled_reason") in FREED and _is_disabled(one, actions):
            if host not in tried:
                yield {**given, "state": "enabled"}, Cause(HOST_KEEPS_SERVERS, {"host": host})
            tried.add(host)


def servers_left(actions: Collection[Action]) -> Cause | None:
    """The hosts that the plan was to empty, and that keep servers, after all actions have ended."""
    found = _on_which_servers_are_left(actions)
    if not found:
        return None
    states = [one.state for one in actions]
    facts: JsonObject = {
        "failed": states.count(ActionState.FAILED),
        "skipped": states.count(ActionState.SKIPPED),
        "cancelled": states.count(ActionState.CANCELLED),
        "total": len(states),
        "hosts": _names(found),
    }
    disabled = [one for one in found if _is_disabled(one, actions)]
    if disabled:
        return Cause(SERVERS_LEFT_ON_DISABLED, {**facts, "disabled": _names(disabled)})
    return Cause(SERVERS_LEFT, facts)


def _on_which_servers_are_left(actions: Collection[Action]) -> list[Action]:
    """The disablings of hosts of which not all moves took place; not those that were skipped.

    Also those that came after all moves, or for which no move was needed, and found servers: the
    scheduler placed them meanwhile.
    """
    sources = {left_host(one.spec) for one in actions}
    kept = {left_host(one.spec) for one in actions if one.ended and not is_met(one)} - {None}
    return [
        one
        for one in actions
        if one.state is not ActionState.SKIPPED
        and (disabled_host(one.spec) in kept or _has_found_servers(one, sources))
    ]


def _has_found_servers(action: Action, sources: Collection[str | None]) -> bool:
    """Whether a host that was to be empty by then was not; ``sources``: hosts with moves off."""
    host, outcome = disabled_host(action.spec), action.outcome
    if host is None or not outcome.get("servers"):
        return False
    was_empty = action.spec.parameters.get("disabled_reason") in FREED and host not in sources
    return bool(action.spec.requires) or (was_empty and not outcome.get("already"))


def _is_disabled(disabling: Action, actions: Collection[Action]) -> bool:
    """Whether a host is still disabled by the plan: no later action enabled it."""
    if disabling.state is not ActionState.SUCCEEDED or disabling.outcome.get("already"):
        return False
    host, seen = disabled_host(disabling.spec), False
    for one in actions:
        seen = seen or one is disabling
        if seen and _switched(one.spec, "enabled") == host and is_met(one):
            return False
    return True


def _switched(spec: ActionSpec, state: str) -> str | None:
    given = spec.parameters
    if spec.type != CHANGE_SERVICE_STATE or given.get("state") != state:
        return None
    return str(given.get("resource_name") or given.get("resource_id"))


def _names(found: list[Action]) -> str:
    names = sorted({str(disabled_host(one.spec)) for one in found})
    more = len(names) - _LISTED
    return ", ".join([*names[:_LISTED], *([f"{more} more"] if more > 0 else ())])
