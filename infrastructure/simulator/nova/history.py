"""Instance actions: what each request did to a server, step by step."""

from infrastructure.simulator.core.model import LIVE, ActionEvent, InstanceAction, Migration, Server
from infrastructure.simulator.core.world import World

CONTROLLER = "controller"
_CREATED_IN = 1.0  # seconds that the creation of a generated server took


def begin(
    world: World, server: Server, action: str, request_id: str, user: str, project: str, at: float
) -> InstanceAction:
    """Record that a request was accepted for a server."""
    record = InstanceAction(
        server_id=server.id,
        request_id=request_id,
        action=action,
        user_id=user,
        project_id=project,
        start=at,
        updated=at,
        events=[],
    )
    world.add_action(record)
    return record


def creation(server: Server) -> InstanceAction:
    """The `create` action that every server began with; derived, not stored."""
    end = server.created + _CREATED_IN
    built = ActionEvent(
        event="compute__do_build_and_run_instance",
        start=server.created,
        finish=end,
        result="Success",
        host=server.host,
    )
    return InstanceAction(
        server_id=server.id,
        request_id=f"req-{server.id}",
        action="create",
        user_id=server.user_id,
        project_id=server.project_id,
        start=server.created,
        updated=end,
        events=[built],
    )


def find(world: World, server_id: str, request_id: str) -> InstanceAction | None:
    """The action that a request caused."""
    for record in reversed(world.actions.get(server_id, [])):
        if record.request_id == request_id:
            return record
    return None


def add(
    world: World,
    record: InstanceAction,
    event: str,
    host: str | None,
    at: float,
    result: str | None = "Success",
) -> None:
    """Append a step; one without a result is still going on."""
    finish = None if result is None else at
    record.events.append(
        ActionEvent(event=event, start=at, finish=finish, result=result, host=host)
    )
    record.updated = at
    world.touch(record)


def scheduled(world: World, migration: Migration, at: float) -> None:
    """The conductor found a destination and the computes agreed."""
    record = find(world, migration.server_id, migration.request_id)
    if record is None:
        return
    if migration.kind == LIVE:
        dest, source = migration.dest, migration.source
        add(world, record, "conductor_live_migrate_instance", CONTROLLER, at)
        add(world, record, "compute_check_can_live_migrate_destination", dest, at)
        add(world, record, "compute_check_can_live_migrate_source", source, at)
        add(world, record, "compute_live_migration", source, at)
    else:
        add(world, record, "conductor_migrate_server", CONTROLLER, at)
        add(world, record, "cold_migrate", CONTROLLER, at)
        add(world, record, "compute_prep_resize", migration.dest, at)


def landed(world: World, migration: Migration, at: float) -> None:
    """The server runs at its destination."""
    record = find(world, migration.server_id, migration.request_id)
    if record is None:
        return
    if migration.kind == LIVE:
        add(world, record, "compute_pre_live_migration", migration.dest, at)
        add(world, record, "compute_post_live_migration_at_destination", migration.dest, at)
    else:
        add(world, record, "compute_resize_instance", migration.source, at)
        add(world, record, "compute_finish_resize", migration.dest, at)


def finish(world: World, migration: Migration, at: float, *, error: bool = False) -> None:
    """The request has had all its effect."""
    record = find(world, migration.server_id, migration.request_id)
    if record is None:
        return
    record.updated = at
    if error:
        record.message = "Error"
        if not record.events:
            live = migration.kind == LIVE
            event = "conductor_live_migrate_instance" if live else "conductor_migrate_server"
            add(world, record, event, CONTROLLER, at, "Error")
    world.touch(record)
