"""Nova: aggregates, availability zones, server groups."""

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro
from infrastructure.simulator.core.errors import ApiForbidden, ApiNotFound
from infrastructure.simulator.core.http.calls import Json, call_of, is_true, query, reply
from infrastructure.simulator.core.http.paging import page_size
from infrastructure.simulator.core.model import Host, HostAggregate, ServerGroup
from infrastructure.simulator.core.world import World


def _aggregate(aggregate: HostAggregate, version: Version) -> Json:
    shown: Json = {
        "id": aggregate.id,
        "name": aggregate.name,
        "hosts": aggregate.hosts,
        "metadata": aggregate.metadata,
        "created_at": iso_micro(aggregate.created),
        "updated_at": None,
        "deleted_at": None,
        "deleted": False,
        "availability_zone": aggregate.metadata.get("availability_zone"),
    }
    if version >= (2, 41):
        shown["uuid"] = aggregate.uuid
    return shown


class AggregatesResource:
    """The paths `/os-aggregates` and `/os-aggregates/{aggregate_id}`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List them."""
        call = call_of(req)
        call.require_admin("os_compute_api:os-aggregates:index")
        with self._world.transaction():
            shown = [_aggregate(a, call.version) for a in self._world.aggregates]
        reply(resp, {"aggregates": shown})

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, aggregate_id: str) -> None:
        """Show one."""
        call = call_of(req)
        call.require_admin("os_compute_api:os-aggregates:show")
        for aggregate in self._world.aggregates:
            if str(aggregate.id) == aggregate_id:
                reply(resp, {"aggregate": _aggregate(aggregate, call.version)})
                return
        raise ApiNotFound(f"Aggregate {aggregate_id} could not be found.")


class AvailabilityZonesResource:
    """The paths `/os-availability-zone` and `/os-availability-zone/detail`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """List them."""
        with self._world.transaction():
            shown = [_zone(name, hosts, None) for name, hosts in self._zones().items()]
        reply(resp, {"availabilityZoneInfo": shown})

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List them with their hosts."""
        call_of(req).require_admin("os_compute_api:os-availability-zone:detail")
        with self._world.transaction() as now:
            shown = [
                _zone(name, hosts, {h.name: {"nova-compute": _service(h, now)} for h in hosts})
                for name, hosts in self._zones().items()
            ]
        control = {"available": True, "active": True, "updated_at": iso_micro(now)}
        controller = {"controller": {"nova-conductor": control, "nova-scheduler": control}}
        internal = {"zoneName": "internal", "zoneState": {"available": True}, "hosts": controller}
        reply(resp, {"availabilityZoneInfo": [*shown, internal]})

    def _zones(self) -> dict[str, list[Host]]:
        zones: dict[str, list[Host]] = {}
        for host in self._world.hosts.values():
            zones.setdefault(host.zone, []).append(host)
        return zones


def _zone(name: str, hosts: list[Host], shown: Json | None) -> Json:
    available = any(h.status == "enabled" for h in hosts)
    return {"zoneName": name, "zoneState": {"available": available}, "hosts": shown}


def _service(host: Host, now: float) -> Json:
    seen = now if host.alive else host.changed_at
    return {
        "available": host.status == "enabled",
        "active": host.up,
        "updated_at": iso_micro(seen),
    }


def _group(group: ServerGroup, version: Version) -> Json:
    shown: Json = {"id": group.id, "name": group.name}
    if version >= (2, 64):
        shown |= {"policy": group.policy, "rules": group.rules}
    else:
        shown |= {"policies": [group.policy], "metadata": {}}
    shown["members"] = group.members
    if version >= (2, 13):
        shown |= {"project_id": group.project_id, "user_id": group.user_id}
    return shown


class ServerGroupsResource:
    """The paths `/os-server-groups` and `/os-server-groups/{group_id}`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List those of the caller's project, or of all."""
        call, asked = call_of(req), query(req)
        everyone = "all_projects" in asked and (
            asked["all_projects"] == "" or is_true(asked["all_projects"])
        )
        if everyone and not call.caller.is_admin:
            raise ApiForbidden(
                "Policy doesn't allow os_compute_api:os-server-groups:index:all_projects "
                "to be performed."
            )
        start = int(asked.get("offset") or 0)
        with self._world.transaction():
            found = [
                _group(self._living(g), call.version)
                for g in self._world.groups
                if everyone or g.project_id == call.caller.project_id
            ]
        reply(resp, {"server_groups": found[start : start + page_size(req)]})

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        """Show one."""
        call = call_of(req)
        with self._world.transaction():
            for group in self._world.groups:
                visible = call.caller.is_admin or group.project_id == call.caller.project_id
                if group.id == group_id and visible:
                    reply(resp, {"server_group": _group(self._living(group), call.version)})
                    return
        raise ApiNotFound(f"Instance group {group_id} could not be found.")

    def _living(self, group: ServerGroup) -> ServerGroup:
        """The group without members that were deleted."""
        servers = self._world.servers
        members = [m for m in group.members if m in servers and not servers[m].deleted]
        if len(members) == len(group.members):
            return group
        return ServerGroup(
            id=group.id,
            name=group.name,
            policy=group.policy,
            members=members,
            project_id=group.project_id,
            user_id=group.user_id,
            rules=group.rules,
        )
