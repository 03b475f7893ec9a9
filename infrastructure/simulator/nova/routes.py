"""Nova's paths."""

import falcon

from infrastructure.simulator.cloud import Cloud
from infrastructure.simulator.core.http.calls import App, Json, reply
from infrastructure.simulator.core.http.microversions import MAXIMUM, MINIMUM, text
from infrastructure.simulator.nova.actions import ServerActionResource
from infrastructure.simulator.nova.aggregates import (
    AggregatesResource,
    AvailabilityZonesResource,
    ServerGroupsResource,
)
from infrastructure.simulator.nova.flavors import FlavorsResource
from infrastructure.simulator.nova.hypervisors import HypervisorsResource
from infrastructure.simulator.nova.instance_actions import InstanceActionsResource
from infrastructure.simulator.nova.migrations import MigrationsResource, ServerMigrationsResource
from infrastructure.simulator.nova.servers import (
    ServerMetadataResource,
    ServerResource,
    ServersResource,
)
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


def add_routes(app: App, cloud: Cloud) -> None:
    """Serve Nova under /compute."""

    def add(path: str, resource: object, suffix: str | None = None) -> None:
        app.add_route(_BASE + path, resource, suffix=suffix)

    app.add_route("/compute", NovaVersionsResource())
    add("", NovaVersionsResource(), "one")
    servers, one = ServersResource(cloud), ServerResource(cloud)
    add("/servers", servers)
    add("/servers/detail", servers, "detail")
    add("/servers/{server_id}", one)
    add("/servers/{server_id}/metadata", ServerMetadataResource(cloud))
    add("/servers/{server_id}/metadata/{key}", ServerMetadataResource(cloud), "item")
    add("/servers/{server_id}/action", ServerActionResource(cloud))
    migrations = ServerMigrationsResource(cloud)
    add("/servers/{server_id}/migrations", migrations)
    add("/servers/{server_id}/migrations/{migration_id}", migrations, "one")
    add("/servers/{server_id}/migrations/{migration_id}/action", migrations, "action")
    actions = InstanceActionsResource(cloud)
    add("/servers/{server_id}/os-instance-actions", actions)
    add("/servers/{server_id}/os-instance-actions/{request_id}", actions, "one")
    add("/os-migrations", MigrationsResource(cloud))
    hypervisors, services = HypervisorsResource(cloud), NovaServicesResource(cloud)
    add("/os-hypervisors", hypervisors)
    add("/os-hypervisors/detail", hypervisors, "detail")
    add("/os-hypervisors/{host_id}", hypervisors, "one")
    add("/os-hypervisors/{host_id}/uptime", hypervisors, "uptime")
    add("/os-services", services)
    add("/os-services/{service_id}", services, "one")
    flavors = FlavorsResource(cloud)
    add("/flavors", flavors)
    add("/flavors/detail", flavors, "detail")
    add("/flavors/{flavor_id}", flavors, "one")
    add("/flavors/{flavor_id}/os-extra_specs", flavors, "specs")
    add("/os-aggregates", AggregatesResource(cloud))
    add("/os-aggregates/{aggregate_id}", AggregatesResource(cloud), "one")
    add("/os-server-groups", ServerGroupsResource(cloud))
    add("/os-server-groups/{group_id}", ServerGroupsResource(cloud), "one")
    add("/os-availability-zone", AvailabilityZonesResource(cloud))
    add("/os-availability-zone/detail", AvailabilityZonesResource(cloud), "detail")
