"""The journal of accepted requests that change something, in order."""

import falcon

from infrastructure.simulator.core.http.calls import Json, call_of
from infrastructure.simulator.core.model import JournalEntry
from infrastructure.simulator.core.world import World


def note(
    world: World,
    req: falcon.Request,
    body: Json | None,
    now: float,
    *,
    server_id: str | None = None,
    target: str | None = None,
    migration_uuid: str | None = None,
) -> None:
    """Record an accepted request. Call it inside its transaction.

    Args:
        world: holds the journal.
        req: the request.
        body: its body.
        now: the transaction's instant.
        server_id: the server it is about.
        target: the host it names.
        migration_uuid: the migration it began, or stopped.
    """
    call = call_of(req)
    world.log(
        JournalEntry(
            number=len(world.journal) + 1,
            time=now,
            request_id=call.request_id,
            service=call.service,
            method=req.method,
            path=req.path,
            body=body,
            server_id=server_id,
            target=target,
            migration_uuid=migration_uuid,
        )
    )
