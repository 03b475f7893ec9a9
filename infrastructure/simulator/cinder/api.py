"""Cinder v3: volumes with their migration and retype; snapshots, types, services and pools."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import falcon

from infrastructure.simulator.cinder.operations import VolumeOperations
from infrastructure.simulator.cinder.storage import (
    DEFAULT_TYPE,
    Storage,
    Volume,
    VolumeSnapshot,
    VolumeType,
)
from infrastructure.simulator.cinder.view import CinderView, pool_detail, services, shown_type
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    App,
    Json,
    accepted,
    body_of,
    call_of,
    is_true,
    query,
    reply,
)
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.http.microversions import MAXIMUM, MINIMUM, text
from infrastructure.simulator.core.http.paging import LARGEST
from infrastructure.simulator.core.world import World

T = TypeVar("T")
_BASE = "/volume/v3"


class CinderVersionsResource:
    """Discovery: `/volume` (for everyone) and `/volume/v3`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the versions, with status 300 as Cinder does."""
        reply(resp, {"versions": [_version(req)]}, 300)

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, project_id: str = "") -> None:
        """Show the version, as a list of one."""
        _called(req, project_id)
        reply(resp, {"versions": [_version(req)]})


def _version(req: falcon.Request) -> Json:
    described = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": text(MAXIMUM["volume"]),
        "min_version": text(MINIMUM["volume"]),
        "updated": "2023-08-31T00:00:00Z",
        "links": [described, {"rel": "self", "href": f"{req.prefix}{_BASE}/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.volume+json;version=3",
            }
        ],
    }


def _called(req: falcon.Request, project_id: str) -> ApiRequest:
    """The call; a project in the path must be the caller's own."""
    call = call_of(req)
    if project_id and project_id != call.caller.project_id:
        raise BadRequest("Malformed request url")
    return call


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    try:
        value = int(asked.get(name, default))
    except ValueError as error:
        raise BadRequest(f"{name} param must be an integer") from error
    if value < 0:
        raise BadRequest(f"{name} param must be positive")
    return value


def _page(
    req: falcon.Request, found: Sequence[T], identity: Callable[[T], str], missing: str
) -> tuple[Sequence[T], bool]:
    """One page, and whether Cinder would link to another: whenever the page is full."""
    asked = query(req)
    limit = min(_number(asked, "limit", LARGEST), LARGEST)
    start = _number(asked, "offset", 0)
    marker = asked.get("marker")
    if marker is not None:
        places = {identity(item): place for place, item in enumerate(found)}
        if marker not in places:
            raise ApiNotFound(f"{missing} {marker} could not be found.")
        start += places[marker] + 1
    page = found[start : start + limit]
    return page, bool(page) and len(page) == limit


def _next(req: falcon.Request, call: ApiRequest, collection: str, marker: str) -> list[Json]:
    kept = {name: value for name, value in query(req).items() if name != "marker"}
    path = f"{req.prefix}{_BASE}/{call.caller.project_id}/{collection}"
    return [{"rel": "next", "href": f"{path}?{urlencode(kept | {'marker': marker})}"}]


def _everyones(call: ApiRequest, asked: Mapping[str, str]) -> bool:
    """Whether the request asks for all projects and the caller may see them."""
    return call.caller.is_admin and is_true(asked.get("all_tenants"))


class _Collection(ABC):
    """Paths that list resources, in brief and in detail."""

    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage

    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str = "") -> None:
        """List ids and names."""
        self._list(req, resp, _called(req, project_id), detailed=False)

    def on_get_detail(
        self, req: falcon.Request, resp: falcon.Response, project_id: str = ""
    ) -> None:
        """List with all attributes."""
        self._list(req, resp, _called(req, project_id), detailed=True)

    @abstractmethod
    def _list(
        self, req: falcon.Request, resp: falcon.Response, call: ApiRequest, *, detailed: bool
    ) -> None: ...

    def _view(self, req: falcon.Request, call: ApiRequest) -> CinderView:
        return CinderView(self._storage, call, f"{req.prefix}/volume")


class VolumesResource(_Collection):
    """The paths under `/volumes`."""

    def __init__(self, world: World, storage: Storage, operations: VolumeOperations) -> None:
        super().__init__(world, storage)
        self._operations = operations

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, volume_id: str, project_id: str = ""
    ) -> None:
        """Show one."""
        call = _called(req, project_id)
        with self._world.transaction():
            body = self._view(req, call).volume(self._seen(call, volume_id))
        reply(resp, {"volume": body})

    def on_post_action(
        self, req: falcon.Request, resp: falcon.Response, volume_id: str, project_id: str = ""
    ) -> None:
        """Migrate it, or give it another type."""
        call, body = _called(req, project_id), body_of(req)
        with self._world.transaction() as now:
            volume = self._seen(call, volume_id)
            match body:
                case {"os-migrate_volume": {"host": str(pool)}}:
                    call.require_admin("volume_extension:volume_admin_actions:migrate_volume")
                    self._operations.migrate(volume, pool, now)
                case {"os-retype": {"new_type": str(kind), **options}}:
                    policy = options.get("migration_policy", "never")
                    self._operations.retype(volume, kind, str(policy), now)
                case _:
                    raise BadRequest(f"There is no such action: {', '.join(body)}")
            note(self._world, req, body, now)
        accepted(resp)

    def _seen(self, call: ApiRequest, volume_id: str) -> Volume:
        volume = self._storage.volumes.get(volume_id)
        if volume is None or not _visible(call, volume.project_id):
            raise ApiNotFound(f"Volume {volume_id} could not be found.")
        return volume

    def _list(
        self, req: falcon.Request, resp: falcon.Response, call: ApiRequest, *, detailed: bool
    ) -> None:
        view = self._view(req, call)
        asked = query(req)
        with self._world.transaction():
            found = list(_found(view, asked))
            page, more = _page(req, found, lambda v: v.id, "Volume")
            body: Json = {"volumes": [(view.volume if detailed else view.brief)(v) for v in page]}
        if more:
            collection = "volumes/detail" if detailed else "volumes"
            body["volumes_links"] = _next(req, call, collection, page[-1].id)
        if call.version >= (3, 45) and is_true(asked.get("with_count")):
            body["count"] = len(found)
        reply(resp, body)


def _visible(call: ApiRequest, project_id: str) -> bool:
    return call.caller.is_admin or project_id == call.caller.project_id


def _found(view: CinderView, asked: Mapping[str, str]) -> Iterator[Volume]:
    """The volumes that match a query, newest first."""
    call, everyones = view.call, _everyones(view.call, asked)
    held: dict[str, Callable[[Volume], str]] = {
        "name": lambda volume: volume.name,
        "status": view.storage.status,
        "bootable": lambda volume: str(volume.bootable),
        "availability_zone": lambda _volume: view.storage.zone,
    }
    if call.caller.is_admin:
        held |= {"project_id": lambda volume: volume.project_id, "host": lambda v: v.pool}
    wanted = [(value, asked[name].lower()) for name, value in held.items() if name in asked]
    for volume in view.storage.volumes.values():
        if (everyones or volume.project_id == call.caller.project_id) and all(
            value(volume).lower() == wish for value, wish in wanted
        ):
            yield volume


class SnapshotsResource(_Collection):
    """The paths under `/snapshots`."""

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, snapshot_id: str, project_id: str = ""
    ) -> None:
        """Show one."""
        call = _called(req, project_id)
        with self._world.transaction():
            snapshot = self._storage.snapshots.get(snapshot_id)
            if snapshot is None or not _visible(call, snapshot.volume.project_id):
                raise ApiNotFound(f"Snapshot {snapshot_id} could not be found.")
            body = self._view(req, call).snapshot(snapshot, detailed=True)
        reply(resp, {"snapshot": body})

    def _list(
        self, req: falcon.Request, resp: falcon.Response, call: ApiRequest, *, detailed: bool
    ) -> None:
        asked = query(req)
        view = self._view(req, call)
        with self._world.transaction():
            found = list(self._meant(call, asked))
            page, more = _page(req, found, lambda s: s.id, "Snapshot")
            body: Json = {"snapshots": [view.snapshot(s, detailed=detailed) for s in page]}
        if more:
            collection = "snapshots/detail" if detailed else "snapshots"
            body["snapshots_links"] = _next(req, call, collection, page[-1].id)
        reply(resp, body)

    def _meant(self, call: ApiRequest, asked: Mapping[str, str]) -> Iterator[VolumeSnapshot]:
        everyones = _everyones(call, asked)
        for snapshot in self._storage.snapshots.values():
            own = snapshot.volume.project_id == call.caller.project_id
            if (everyones or own) and asked.get("volume_id") in (None, snapshot.volume.id):
                yield snapshot


class VolumeTypesResource:
    """The paths under `/types`."""

    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage

    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str = "") -> None:
        """List them: public ones, unless an administrator asks otherwise."""
        call = _called(req, project_id)
        wanted = query(req).get("is_public", "true").lower()
        with self._world.transaction():
            kinds = [k for k in self._storage.kinds if _listed(k, call, wanted)]
        page, more = _page(req, kinds, lambda kind: kind.id, "Volume type")
        body: Json = {"volume_types": [shown_type(kind, call) for kind in page]}
        if more:
            body["volume_type_links"] = _next(req, call, "types", page[-1].id)
        reply(resp, body)

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, type_id: str, project_id: str = ""
    ) -> None:
        """Show one: by id, or the `default`."""
        call = _called(req, project_id)
        with self._world.transaction():
            kinds = self._storage.kinds
        for kind in kinds:
            chosen = kind.name == DEFAULT_TYPE if type_id == "default" else kind.id == type_id
            if chosen and _listed(kind, call, "none"):
                reply(resp, {"volume_type": shown_type(kind, call)})
                return
        raise ApiNotFound(f"Volume type {type_id} could not be found.")


def _listed(kind: VolumeType, call: ApiRequest, wanted: str) -> bool:
    if not call.caller.is_admin:
        return kind.public
    return wanted == "none" or kind.public == is_true(wanted)


class CinderServicesResource:
    """The path `/os-services`."""

    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage

    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str = "") -> None:
        """List them, narrowed by host and binary."""
        call, asked = _called(req, project_id), query(req)
        call.require_admin("volume_extension:services:index")
        with self._world.transaction() as now:
            rows = [
                row
                for row in services(self._storage, call.version, now)
                if all(asked.get(name) in (None, "", row[name]) for name in ("host", "binary"))
            ]
        reply(resp, {"services": rows})


class PoolsResource:
    """The path `/scheduler-stats/get_pools`."""

    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage

    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str = "") -> None:
        """List pools, in detail with their capabilities and capacity."""
        call, asked = _called(req, project_id), query(req)
        call.require_admin("scheduler_extension:scheduler_stats:get_pools")
        detailed = is_true(asked.get("detail"))
        name = asked.get("name") if call.version >= (3, 28) else None
        with self._world.transaction() as now:
            pools = [
                pool_detail(pool, now) if detailed else {"name": pool.name}
                for pool in self._storage.pools
                if name in (None, pool.name)
            ]
        reply(resp, {"pools": pools})


def add_routes(app: App, world: World, storage: Storage, operations: VolumeOperations) -> None:
    """Serve Cinder under /volume; a project in the path is optional, as since 3.67."""
    app.add_route("/volume", CinderVersionsResource())
    volumes, snapshots, types = (
        VolumesResource(world, storage, operations),
        SnapshotsResource(world, storage),
        VolumeTypesResource(world, storage),
    )
    for base in (_BASE, _BASE + "/{project_id}"):
        if base == _BASE:
            app.add_route(base, CinderVersionsResource(), suffix="one")
        app.add_route(base + "/volumes", volumes)
        app.add_route(base + "/volumes/detail", volumes, suffix="detail")
        app.add_route(base + "/volumes/{volume_id}", volumes, suffix="one")
        app.add_route(base + "/volumes/{volume_id}/action", volumes, suffix="action")
        app.add_route(base + "/snapshots", snapshots)
        app.add_route(base + "/snapshots/detail", snapshots, suffix="detail")
        app.add_route(base + "/snapshots/{snapshot_id}", snapshots, suffix="one")
        app.add_route(base + "/types", types)
        app.add_route(base + "/types/{type_id}", types, suffix="one")
        app.add_route(base + "/os-services", CinderServicesResource(world, storage))
        app.add_route(base + "/scheduler-stats/get_pools", PoolsResource(world, storage))
