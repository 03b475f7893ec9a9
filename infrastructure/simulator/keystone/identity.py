"""Keystone v3: discovery and tokens."""

from typing import Any

import falcon

from infrastructure.simulator.core.clock import iso_token
from infrastructure.simulator.core.errors import (
    ApiForbidden,
    ApiNotFound,
    ApiUnauthorized,
    BadRequest,
)
from infrastructure.simulator.core.http.calls import Json, accepted, body_of, call_of, reply
from infrastructure.simulator.core.http.middleware import SYSTEM, caller_of
from infrastructure.simulator.core.people import (
    DOMAIN,
    DOMAIN_ID,
    PROJECTS,
    SERVICE_PROJECT,
    Project,
    User,
    Users,
    stable_hex,
)
from infrastructure.simulator.core.tokens import Claims, Tokens
from infrastructure.simulator.core.world import World
from infrastructure.simulator.keystone.catalogue import catalogue


def version(req: falcon.Request) -> Json:
    """The one version of the identity API."""
    media = {
        "base": "application/json",
        "type": "application/vnd.openstack.identity-v3+json",
    }
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{req.prefix}/identity/v3/"}],
        "media-types": [media],
    }


class KeystoneVersionsResource:
    """The path `/identity`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the versions."""
        reply(resp, {"versions": {"values": [version(req)]}}, 300)
        resp.location = f"{req.prefix}/identity/v3/"


class KeystoneVersionResource:
    """The path `/identity/v3`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the version."""
        reply(resp, {"version": version(req)})


class TokensResource:
    """The path `/identity/v3/auth/tokens`."""

    def __init__(
        self, world: World, users: Users, tokens: Tokens, endpoints: dict[str, str]
    ) -> None:
        self._world = world
        self._users, self._tokens = users, tokens
        self._endpoints = endpoints

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Issue a token for a password or for another token."""
        auth = _section(body_of(req), "auth")
        identity = _section(auth, "identity")
        methods = tuple(identity.get("methods") or ())
        for method in methods:
            if method not in identity:
                raise BadRequest(f"Expecting to find {method} in identity.")
        parent = None
        match methods:
            case ("password",):
                user = self._by_password(_section(_section(identity, "password"), "user"))
            case ("token",):
                parent = self._parent(_section(identity, "token"))
                user = self._user_of(parent)
                methods = tuple(sorted({*parent.methods, "token"}))
            case _:
                raise ApiUnauthorized
        scope = _scope(auth.get("scope"), user)
        token, claims = self._tokens.issue(user, scope, methods, parent)
        resp.set_header("X-Subject-Token", token)
        reply(resp, {"token": self._shown(req, claims, with_catalogue=True)}, 201)

    def _parent(self, given: Json) -> Claims:
        claims = self._tokens.check(str(given.get("id", "")))
        if claims is None:
            raise ApiUnauthorized
        return claims

    def _user_of(self, claims: Claims) -> User:
        user = self._users.get(claims.user_id)
        if user is None:
            raise ApiUnauthorized
        return user

    def _by_password(self, given: Json) -> User:
        for user in self._users.all():
            by_name = user.name == given.get("name") and _in_domain(given)
            if (user.id == given.get("id") or by_name) and user.enabled:
                if user.password == given.get("password"):
                    return user
                break
        raise ApiUnauthorized

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Validate a token, one's own or (as a service) another's."""
        token, claims = self._subject(req, "identity:validate_token")
        resp.set_header("X-Subject-Token", token)
        wanted = "nocatalog" not in req.params
        reply(resp, {"token": self._shown(req, claims, with_catalogue=wanted)})

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Validate a token without details."""
        token, _ = self._subject(req, "identity:check_token")
        resp.set_header("X-Subject-Token", token)

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Revoke a token."""
        _, claims = self._subject(req, "identity:revoke_token")
        with self._world.transaction():
            self._tokens.revoke(claims)
        accepted(resp, 204)

    def _subject(self, req: falcon.Request, rule: str) -> tuple[str, Claims]:
        call = call_of(req)
        if call.claims is None:
            raise ApiUnauthorized
        token = req.get_header("X-Subject-Token") or ""
        claims = self._tokens.check(token)
        own = claims is not None and claims.user_id == call.claims.user_id
        if not (own or {"admin", "service"} & set(call.caller.roles)):
            raise ApiForbidden(f"You are not authorized to perform the requested action: {rule}.")
        if claims is None:
            raise ApiNotFound("Failed to validate token")
        return token, claims

    def _shown(self, req: falcon.Request, claims: Claims, *, with_catalogue: bool) -> Json:
        user = self._user_of(claims)
        shown: Json = {
            "methods": list(claims.methods),
            "user": {
                "domain": DOMAIN,
                "id": user.id,
                "name": user.name,
                "password_expires_at": None,
            },
            "audit_ids": list(claims.audit_ids),
            "expires_at": iso_token(claims.expires),
            "issued_at": iso_token(claims.issued),
        }
        if not claims.scope:
            return shown
        if claims.scope == SYSTEM:
            shown["system"] = {"all": True}
        elif claims.scope == DOMAIN_ID:
            shown["domain"] = DOMAIN
        else:
            project = next(p for p in PROJECTS if p.id == claims.scope)
            shown["project"] = {"domain": DOMAIN, "id": project.id, "name": project.name}
            shown["is_domain"] = False
        roles = caller_of(user, claims.scope, "").roles
        shown["roles"] = [{"id": stable_hex("role", r), "name": r} for r in roles]
        if with_catalogue:
            shown["catalog"] = catalogue(req.prefix, self._endpoints)
        return shown


def _section(of: Json, name: str) -> Json:
    found = of.get(name)
    if not isinstance(found, dict):
        raise BadRequest(f"'{name}' is a required property")
    return found


def _in_domain(given: Json) -> bool:
    return _is_domain(_section(given, "domain")) if "domain" in given else False


def _is_domain(given: Json) -> bool:
    return given.get("id") == DOMAIN_ID or DOMAIN["name"] == given.get("name")


def _scope(wanted: Any, user: User) -> str:
    """The scope of a new token: what is asked for, provided that the user has a role there."""
    if wanted is None or wanted == "unscoped":
        return ""
    if not isinstance(wanted, dict):
        raise BadRequest("'scope' is not an object")
    if "system" in wanted:
        if not _section(wanted, "system").get("all") or not _runs_the_cloud(user):
            raise ApiUnauthorized
        return SYSTEM
    if "domain" in wanted:
        if not _is_domain(_section(wanted, "domain")) or not user.roles_on(DOMAIN_ID):
            raise ApiUnauthorized
        return DOMAIN_ID
    project = _project(_section(wanted, "project"))
    if project is None or not user.roles_on(project.id):
        raise ApiUnauthorized
    return project.id


def _runs_the_cloud(user: User) -> bool:
    return any("admin" in roles for scope, roles in user.grants if scope != SERVICE_PROJECT.id)


def _project(given: Json) -> Project | None:
    for project in PROJECTS:
        by_name = project.name == given.get("name") and _in_domain(given)
        if project.id == given.get("id") or by_name:
            return project
    return None


class CatalogResource:
    """The path `/identity/v3/auth/catalog`."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        self._endpoints = endpoints

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The catalogue of the caller's token."""
        if call_of(req).claims is None:
            raise ApiUnauthorized
        reply(
            resp,
            {
                "catalog": catalogue(req.prefix, self._endpoints),
                "links": {"self": req.uri},
            },
        )
