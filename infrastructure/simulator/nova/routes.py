"""Nova's paths."""

import falcon

from infrastructure.simulator.core.http.calls import App, Json, reply
from infrastructure.simulator.core.http.microversions import MAXIMUM, MINIMUM, text
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.actions import ServerActionResource
from infrastructure.simulator.nova.aggregates import (
    AggregatesResource,
    AvailabilityZonesResource,
    ServerGroupsResource,
)
from infrastructure.simulator.nova.commands import NovaCommands
from infrastructure.simulator.nova.flavors import FlavorsResource
from infrastructure.simulator.nova.hypervisors import HypervisorsResource
from infrastructure.simulator.nova.instance_actions import InstanceActionsResource
from infrastructure.simulator.nova.metadata import ServerMetadataResource
from infrastructure.simulator.nova.migrations import MigrationsResource, ServerMigrationsResource
from infrastructure.simulator.nova.server_view import Attachments
from infrastructure.simulator.nova.servers import ServerResource, ServersResource
from infrastructure.simulator.nova.services import NovaServicesResource

_BASE = "/compute/v2.1"


class NovaVersionsResource:
    """Discovery: `/compute` and `/compute/v2.1`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the versions."""
        reply(resp, {"versions": [_version(req)]})

    def on_get_one(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the version."""
        media = {
            "base": "application/json",
            "type": "application/vnd.openstack.compute+json;version=2.1",
        }
        version = _version(req)
        version["links"].append(
            {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}
        )
        reply(resp, {"version": version | {"media-types": [media]}})


def _version(req: falcon.Request) -> Json:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": text(MAXIMUM["compute"]),
        "min_version": text(MINIMUM["compute"]),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{req.prefix}{_BASE}/"}],
    }


def add_routes(app: App, world: World, commands: NovaCommands, attached: Attachments) -> None:
    """Serve Nova under /compute."""

    def add(path: str, resource: object, suffix: str | None = None) -> None:
        app.add_route(_BASE + path, resource, suffix=suffix)

    app.add_route("/compute", NovaVersionsResource())
    add("", NovaVersionsResource(), "one")
    servers, one = ServersResource(world, attached), ServerResource(world, commands, attached)
    add("/servers", servers)
    add("/servers/detail", servers, "detail")
    add("/servers/{server_id}", one)
    add("/servers/{server_id}/metadata", ServerMetadataResource(world, commands))
    add("/servers/{server_id}/metadata/{key}", ServerMetadataResource(world, commands), "item")
    add("/servers/{server_id}/action", ServerActionResource(world, commands))
    migrations = ServerMigrationsResource(world, commands)
    add("/servers/{server_id}/migrations", migrations)
    add("/servers/{server_id}/migrations/{migration_id}", migrations, "one")
    add("/servers/{server_id}/migrations/{migration_id}/action", migrations, "action")
    actions = InstanceActionsResource(world, commands)
    add("/servers/{server_id}/os-instance-actions", actions)
    add("/servers/{server_id}/os-instance-actions/{request_id}", actions, "one")
    add("/os-migrations", MigrationsResource(world))
    hypervisors, services = HypervisorsResource(world), NovaServicesResource(world, commands)
    add("/os-hypervisors", hypervisors)
    add("/os-hypervisors/detail", hypervisors, "detail")
    add("/os-hypervisors/{host_id}", hypervisors, "one")
    add("/os-hypervisors/{host_id}/uptime", hypervisors, "uptime")
    add("/os-services", services)
    add("/os-services/{service_id}", services, "one")
    flavors = FlavorsResource(world)
    add("/flavors", flavors)
    add("/flavors/detail", flavors, "detail")
    add("/flavors/{flavor_id}", flavors, "one")
    add("/flavors/{flavor_id}/os-extra_specs", flavors, "specs")
    add("/os-aggregates", AggregatesResource(world))
    add("/os-aggregates/{aggregate_id}", AggregatesResource(world), "one")
    add("/os-server-groups", ServerGroupsResource(world))
    add("/os-server-groups/{group_id}", ServerGroupsResource(world), "one")
    add("/os-availability-zone", AvailabilityZonesResource(world))
    add("/os-availability-zone/detail", AvailabilityZonesResource(world), "detail")
