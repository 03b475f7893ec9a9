"""Keystone v3: lists of what exists (projects, roles, ...). They cannot be changed."""

from collections.abc import Callable
from typing import Any

import falcon

from infrastructure.simulator.core.config import REGION
from infrastructure.simulator.core.errors import ApiForbidden, ApiNotFound, ApiUnauthorized
from infrastructure.simulator.core.http.calls import Json, call_of, query, reply
from infrastructure.simulator.core.people import DOMAIN, PROJECTS, ROLES, Project, stable_hex
from infrastructure.simulator.keystone.catalogue import catalogue

Endpoints = dict[str, str]
"""Service type → URL of the services that the simulator does not serve."""
Rows = Callable[[falcon.Request, Endpoints], list[Json]]


def shown_project(project: Project) -> Json:
    """A project as Keystone shows it."""
    return {
        "id": project.id,
        "name": project.name,
        "domain_id": "default",
        "description": project.description,
        "enabled": True,
        "parent_id": "default",
        "is_domain": False,
        "tags": [],
        "options": {},
    }


def _projects(_req: falcon.Request, _others: Endpoints) -> list[Json]:
    return [shown_project(project) for project in PROJECTS]


def _roles(_req: falcon.Request, _others: Endpoints) -> list[Json]:
    return [
        {
            "id": stable_hex("role", name),
            "name": name,
            "domain_id": None,
            "description": None,
            "options": {"immutable": True},
        }
        for name in ROLES
    ]


def shown_domain() -> Json:
    """The one domain as Keystone shows it."""
    more = {"description": "The default domain", "enabled": True, "tags": [], "options": {}}
    return DOMAIN | more


def _domains(_req: falcon.Request, _others: Endpoints) -> list[Json]:
    return [shown_domain()]


def _regions(_req: falcon.Request, _others: Endpoints) -> list[Json]:
    return [{"id": REGION, "description": "", "parent_region_id": None}]


def _services(req: falcon.Request, others: Endpoints) -> list[Json]:
    return [
        {"name": s["name"], "id": s["id"], "type": s["type"], "enabled": True}
        for s in catalogue(req.prefix, others)
    ]


def _endpoints(req: falcon.Request, others: Endpoints) -> list[Json]:
    return [
        endpoint | {"service_id": s["id"], "enabled": True}
        for s in catalogue(req.prefix, others)
        for endpoint in s["endpoints"]
    ]


LISTS: dict[str, tuple[str, Rows]] = {
    "projects": ("project", _projects),
    "roles": ("role", _roles),
    "domains": ("domain", _domains),
    "regions": ("region", _regions),
    "services": ("service", _services),
    "endpoints": ("endpoint", _endpoints),
}


class IdentityListResource:
    """A list, and its items by id. For administrators."""

    def __init__(self, endpoints: dict[str, str], plural: str) -> None:
        self._endpoints, self._plural = endpoints, plural
        self._singular, self._rows = LISTS[plural]

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List, narrowed by any attribute given in the query."""
        allow(req, f"identity:list_{self._plural}")
        reply_list(req, resp, self._plural, self._rows(req, self._endpoints))

    def on_get_item(self, req: falcon.Request, resp: falcon.Response, item_id: str) -> None:
        """Show one."""
        allow(req, f"identity:get_{self._singular}")
        row = next((row for row in self._rows(req, self._endpoints) if row["id"] == item_id), None)
        if row is None:
            raise ApiNotFound(f"Could not find {self._singular}: {item_id}.")
        reply(resp, {self._singular: linked(req, self._plural, row)})


def allow(req: falcon.Request, rule: str, owner: str | None = None) -> None:
    """Refuse a request of anybody but administrators, services and the owner.

    Args:
        req: the request.
        rule: the policy rule that Keystone names.
        owner: id of the user who may do it, too.

    Raises:
        ApiUnauthorized: without a valid token.
        ApiForbidden: the caller may not do it.
    """
    call = call_of(req)
    if call.claims is None:
        raise ApiUnauthorized
    own = owner == call.claims.user_id
    if not (own or {"admin", "service"} & set(call.caller.roles)):
        raise ApiForbidden(f"You are not authorized to perform the requested action: {rule}.")


def linked(req: falcon.Request, plural: str, row: Json) -> Json:
    """A row with the link to itself."""
    return row | {"links": {"self": f"{req.prefix}/identity/v3/{plural}/{row['id']}"}}


def reply_list(req: falcon.Request, resp: falcon.Response, plural: str, rows: list[Json]) -> None:
    """Answer with a list, narrowed by any attribute given in the query."""
    wanted = query(req)
    shown = [
        linked(req, plural, row)
        for row in rows
        if all(_matches(row, name, value) for name, value in wanted.items())
    ]
    links = {"next": None, "self": req.uri, "previous": None}
    reply(resp, {plural: shown, "links": links})


def _matches(row: Json, name: str, value: str) -> bool:
    held: Any = row.get(name, value)  # paging and unknown parameters narrow nothing
    return str(held).lower() == value.lower()
