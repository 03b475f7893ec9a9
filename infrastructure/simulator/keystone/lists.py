"""Keystone v3: what exists (users, projects, roles, ...). It cannot be changed."""

from collections.abc import Callable
from typing import Any

import falcon

from infrastructure.simulator.core.config import REGION
from infrastructure.simulator.core.errors import ApiForbidden, ApiNotFound, ApiUnauthorized
from infrastructure.simulator.core.http.calls import Json, call_of, query, reply
from infrastructure.simulator.core.people import PROJECTS, ROLES, USERS, Project, stable_hex
from infrastructure.simulator.keystone.catalogue import catalogue

Endpoints = dict[str, str]
"""Service type → URL of the services that the simulator does not serve."""
Rows = Callable[[falcon.Request, Endpoints], list[Json]]


def _users(_req: falcon.Request, _others: Endpoints) -> list[Json]:
    return [
        {
            "id": user.id,
            "name": user.name,
            "domain_id": "default",
            "enabled": True,
            "default_project_id": user.grants[0][0],
            "password_expires_at": None,
            "options": {},
        }
        for user in USERS
    ]


def _project(project: Project) -> Json:
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
    return [_project(project) for project in PROJECTS]


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


def _domains(_req: falcon.Request, _others: Endpoints) -> list[Json]:
    return [
        {
            "id": "default",
            "name": "Default",
            "description": "The default domain",
            "enabled": True,
            "tags": [],
            "options": {},
        }
    ]


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
    "users": ("user", _users),
    "projects": ("project", _projects),
    "roles": ("role", _roles),
    "domains": ("domain", _domains),
    "regions": ("region", _regions),
    "services": ("service", _services),
    "endpoints": ("endpoint", _endpoints),
}


class IdentityListResource:
    """A list, and its items by id. For administrators; a user may see itself."""

    def __init__(self, endpoints: dict[str, str], plural: str) -> None:
        self._endpoints, self._plural = endpoints, plural
        self._singular, self._rows = LISTS[plural]

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List, narrowed by any attribute given in the query."""
        self._allow(req, f"identity:list_{self._plural}")
        wanted = query(req)
        rows = [
            row | {"links": {"self": f"{req.prefix}/identity/v3/{self._plural}/{row['id']}"}}
            for row in self._rows(req, self._endpoints)
            if all(_matches(row, name, value) for name, value in wanted.items())
        ]
        links = {"next": None, "self": req.uri, "previous": None}
        reply(resp, {self._plural: rows, "links": links})

    def on_get_item(self, req: falcon.Request, resp: falcon.Response, item_id: str) -> None:
        """Show one."""
        call = call_of(req)
        if not (self._plural == "users" and item_id == call.caller.user_id):
            self._allow(req, f"identity:get_{self._singular}")
        for row in self._rows(req, self._endpoints):
            if row["id"] == item_id:
                link = {"self": f"{req.prefix}/identity/v3/{self._plural}/{item_id}"}
                reply(resp, {self._singular: row | {"links": link}})
                return
        raise ApiNotFound(f"Could not find {self._singular}: {item_id}.")

    def _allow(self, req: falcon.Request, rule: str) -> None:
        call = call_of(req)
        if call.claims is None:
            raise ApiUnauthorized
        if not ({"admin", "service"} & set(call.caller.roles)):
            raise ApiForbidden(f"You are not authorized to perform the requested action: {rule}.")


def _matches(row: Json, name: str, value: str) -> bool:
    held: Any = row.get(name, value)  # paging and unknown parameters narrow nothing
    return str(held).lower() == value.lower()


class OwnProjectsResource:
    """The path `/identity/v3/auth/projects`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The projects that the caller has a role on."""
        call = call_of(req)
        if call.claims is None:
            raise ApiUnauthorized
        user = next(u for u in USERS if u.id == call.caller.user_id)
        rows = [
            _project(p) | {"links": {"self": f"{req.prefix}/identity/v3/projects/{p.id}"}}
            for p in PROJECTS
            if user.roles_on(p.id)
        ]
        links = {"next": None, "self": req.uri, "previous": None}
        reply(resp, {"projects": rows, "links": links})
