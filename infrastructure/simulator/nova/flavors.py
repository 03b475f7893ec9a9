"""Nova: flavors."""

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import Json, call_of, next_link, query, reply
from infrastructure.simulator.core.http.paging import page_size
from infrastructure.simulator.core.model import Flavor
from infrastructure.simulator.core.world import World


class FlavorsResource:
    """The paths under `/flavors`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List ids and names."""
        self._list(req, resp, detailed=False)

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List with sizes."""
        self._list(req, resp, detailed=True)

    def _list(self, req: falcon.Request, resp: falcon.Response, *, detailed: bool) -> None:
        version, limit, asked = call_of(req).version, page_size(req), query(req)
        flavors = sorted(self._world.flavors.values(), key=lambda f: f.id)
        marker = asked.get("marker")
        if marker is not None and marker not in self._world.flavors:
            raise BadRequest(f"marker [{marker}] not found")
        found = [f for f in flavors if marker is None or f.id > marker]
        show = _detail if detailed else _brief
        shown = [show(f, f"{req.prefix}/compute", version) for f in found[:limit]]
        body: Json = {"flavors": shown}
        full = len(shown) == limit and "limit" in asked
        if shown and (full or len(found) > limit):
            body["flavors_links"] = next_link(req, f"{req.prefix}/compute", shown[-1]["id"])
        reply(resp, body)

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, flavor_id: str) -> None:
        """Show one."""
        version = call_of(req).version
        shown = _detail(self._flavor(flavor_id), f"{req.prefix}/compute", version)
        reply(resp, {"flavor": shown})

    def on_get_specs(self, _req: falcon.Request, resp: falcon.Response, flavor_id: str) -> None:
        """Show one's extra specs."""
        reply(resp, {"extra_specs": self._flavor(flavor_id).extra_specs})

    def _flavor(self, flavor_id: str) -> Flavor:
        flavor = self._world.flavors.get(flavor_id)
        if flavor is None:
            raise ApiNotFound(f"Flavor {flavor_id} could not be found.")
        return flavor


def _brief(flavor: Flavor, prefix: str, version: Version) -> Json:
    shown: Json = {
        "id": flavor.id,
        "name": flavor.name,
        "links": [
            {"rel": "self", "href": f"{prefix}/v2.1/flavors/{flavor.id}"},
            {"rel": "bookmark", "href": f"{prefix}/flavors/{flavor.id}"},
        ],
    }
    return shown | ({"description": None} if version >= (2, 55) else {})


def _detail(flavor: Flavor, prefix: str, version: Version) -> Json:
    shown = _brief(flavor, prefix, version) | {
        "ram": flavor.ram_mb,
        "disk": flavor.disk_gb,
        "swap": 0 if version >= (2, 75) else "",
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "vcpus": flavor.vcpus,
        "os-flavor-access:is_public": True,
        "rxtx_factor": 1.0,
    }
    return shown | ({"extra_specs": flavor.extra_specs} if version >= (2, 61) else {})
