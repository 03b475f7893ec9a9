"""Nova's paths."""

import falcon

from infrastructure.simulator.cloud import Cloud
from infrastructure.simulator.core.http.calls import App, Json, reply
from infrastructure.simulator.core.http.microversions import MAXIMUM, MINIMUM, text
from infrastructure.simulator.nova.actions import Action
from infrastructure.simulator.nova.aggregates import Aggregates, Groups, Zones
from infrastructure.simulator.nova.flavors import Flavors
from infrastructure.simulator.nova.hypervisors import Hypervisors
from infrastructure.simulator.nova.instance_actions import InstanceActions
from infrastructure.simulator.nova.migrations import Migrations, ServerMigrations
from infrastructure.simulator.nova.servers import Metadata, OneServer, Servers
from infrastructure.simulator.nova.services import Services

_BASE = "/compute/v2.1"


class Versions:
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

    app.add_route("/compute", Versions())
    add("", Versions(), "one")
    servers, one = Servers(cloud), OneServer(cloud)
    add("/servers", servers)
    add("/servers/detail", servers, "detail")
    add("/servers/{server_id}", one)
    add("/servers/{server_id}/metadata", Metadata(cloud))
    add("/servers/{server_id}/metadata/{key}", Metadata(cloud), "item")
    add("/servers/{server_id}/action", Action(cloud))
    migrations = ServerMigrations(cloud)
    add("/servers/{server_id}/migrations", migrations)
    add("/servers/{server_id}/migrations/{migration_id}", migrations, "one")
    add("/servers/{server_id}/migrations/{migration_id}/action", migrations, "action")
    actions = InstanceActions(cloud)
    add("/servers/{server_id}/os-instance-actions", actions)
    add("/servers/{server_id}/os-instance-actions/{request_id}", actions, "one")
    add("/os-migrations", Migrations(cloud))
    hypervisors, services = Hypervisors(cloud), Services(cloud)
    add("/os-hypervisors", hypervisors)
    add("/os-hypervisors/detail", hypervisors, "detail")
    add("/os-hypervisors/{host_id}", hypervisors, "one")
    add("/os-hypervisors/{host_id}/uptime", hypervisors, "uptime")
    add("/os-services", services)
    add("/os-services/{service_id}", services, "one")
    flavors = Flavors(cloud)
    add("/flavors", flavors)
    add("/flavors/detail", flavors, "detail")
    add("/flavors/{flavor_id}", flavors, "one")
    add("/flavors/{flavor_id}/os-extra_specs", flavors, "specs")
    add("/os-aggregates", Aggregates(cloud))
    add("/os-aggregates/{aggregate_id}", Aggregates(cloud), "one")
    add("/os-server-groups", Groups(cloud))
    add("/os-server-groups/{group_id}", Groups(cloud), "one")
    add("/os-availability-zone", Zones(cloud))
    add("/os-availability-zone/detail", Zones(cloud), "detail")
