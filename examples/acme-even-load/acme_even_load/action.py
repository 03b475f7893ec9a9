"""The action ``acme.lock``: locks or unlocks a server; other plans leave locked servers alone."""

from vigil.plugins import ID, ActionType, Cause, ProposedAction, Reason, ResourceKind, schema_of

KEEPS_PLACE = Reason("acme.keeps-place", "{server} was just moved and keeps its place")
SERVER_GONE = Reason("acme.server-gone", "server {server} does not exist")
ALREADY_SO = Reason("acme.already-so", "server {server} is already {state}")

LOCK = ActionType(
    name="acme.lock",
    description="Locks or unlocks a server.",
    schema=schema_of(
        ("resource_id", "state"),
        resource_id=ID,
        state={"type": "string", "enum": ["locked", "unlocked"]},
    ),
    resource=ResourceKind.SERVER,
    weight=15,  # after the migrations, whose weight is 30
    parallelization=10,
    compensable=True,
)


def lock(move: ProposedAction) -> ProposedAction:
    """Locks the server of a migration."""
    because = Cause(KEEPS_PLACE, {"server": move.parameters["resource_name"]})
    return ProposedAction(LOCK.name, move.resource_id, {"state": "locked"}, because)
