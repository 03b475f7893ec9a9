"""Keystone v3: users, how administrators change them, and the scopes that a user has roles on."""

from typing import Any

import falcon

from infrastructure.simulator.core.errors import ApiConflict, ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import Json, body_of, call_of, reply
from infrastructure.simulator.core.people import DOMAIN_ID, PROJECTS, User, Users
from infrastructure.simulator.core.world import World
from infrastructure.simulator.keystone.lists import (
    allow,
    linked,
    reply_list,
    shown_domain,
    shown_project,
)

_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "password": (str,),
    "enabled": (bool,),
    "default_project_id": (str, type(None)),
    "description": (str, type(None)),
    "email": (str, type(None)),
    "options": (dict,),
}
_NOT_EMPTY = ("name", "password")
_IMMUTABLE = ("id", "domain_id")


def _shown(user: User) -> Json:
    own = {
        "id": user.id,
        "name": user.name,
        "domain_id": DOMAIN_ID,
        "enabled": user.enabled,
        "password_expires_at": None,
    }
    return {"default_project_id": None, "options": {}} | user.more | own


class UsersResource:
    """The paths `/identity/v3/users` and `/identity/v3/users/{user_id}`."""

    def __init__(self, world: World, users: Users) -> None:
        self._world, self._users = world, users

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List users, narrowed by any attribute given in the query."""
        allow(req, "identity:list_users")
        reply_list(req, resp, "users", [_shown(user) for user in self._users.all()])

    def on_get_item(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Show a user; users may see themselves."""
        allow(req, "identity:get_user", owner=user_id)
        reply(resp, {"user": linked(req, "users", _shown(_found(self._users, user_id)))})

    def on_patch_item(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Change a user."""
        allow(req, "identity:update_user")
        changes = body_of(req).get("user")
        if not isinstance(changes, dict):
            raise BadRequest("'user' is a required property")
        with self._world.transaction():
            user = _found(self._users, user_id)
            self._check(user, changes)
            user = self._users.change(user, changes)
        reply(resp, {"user": linked(req, "users", _shown(user))})

    def _check(self, user: User, changes: Json) -> None:
        shown = _shown(user)
        for name in _IMMUTABLE:
            if name in changes and changes.pop(name) != shown[name]:
                raise BadRequest(f"Cannot change {name}.")
        for name, value in changes.items():
            _check_type(name, value)
        taken = {one.name for one in self._users.all() if one.id != user.id}
        if changes.get("name") in taken:
            raise ApiConflict(f"Conflict occurred attempting to store user: {changes['name']}.")


def _check_type(name: str, value: Any) -> None:
    wrong = name in _TYPES and not isinstance(value, _TYPES[name])
    if wrong or (name in _NOT_EMPTY and not value):
        raise BadRequest(f"Invalid input for field '{name}'.")


class UserProjectsResource:
    """The path `/identity/v3/users/{user_id}/projects`."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def on_get(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """The projects that a user has a role on."""
        allow(req, "identity:list_user_projects", owner=user_id)
        reply_list(req, resp, "projects", _projects_of(_found(self._users, user_id)))


class OwnScopesResource:
    """The paths `/identity/v3/auth/projects` and `/identity/v3/auth/domains`."""

    def __init__(self, users: Users, kind: str) -> None:
        self._users, self._kind = users, kind

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """What the caller can have a token for; any valid token may ask."""
        user_id = call_of(req).caller.user_id
        allow(req, f"identity:get_auth_{self._kind}", owner=user_id)
        user = _found(self._users, user_id)
        rows = _projects_of(user) if self._kind == "projects" else _domains_of(user)
        reply_list(req, resp, self._kind, rows)


def _found(users: Users, user_id: str) -> User:
    user = users.get(user_id)
    if user is None:
        raise ApiNotFound(f"Could not find user: {user_id}.")
    return user


def _projects_of(user: User) -> list[Json]:
    return [shown_project(project) for project in PROJECTS if user.roles_on(project.id)]


def _domains_of(user: User) -> list[Json]:
    return [shown_domain()] if user.roles_on(DOMAIN_ID) else []
