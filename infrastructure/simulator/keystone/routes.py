"""Keystone's paths."""

from infrastructure.simulator.core.http.calls import App
from infrastructure.simulator.core.people import Users
from infrastructure.simulator.core.tokens import Tokens
from infrastructure.simulator.core.world import World
from infrastructure.simulator.keystone.identity import (
    CatalogResource,
    KeystoneVersionResource,
    KeystoneVersionsResource,
    TokensResource,
)
from infrastructure.simulator.keystone.lists import LISTS, IdentityListResource
from infrastructure.simulator.keystone.users import (
    OwnScopesResource,
    UserProjectsResource,
    UsersResource,
)


def add_routes(
    app: App, world: World, users: Users, tokens: Tokens, endpoints: dict[str, str]
) -> None:
    """Adds the paths below ``/identity``."""
    app.add_route("/identity", KeystoneVersionsResource())
    app.add_route("/identity/v3", KeystoneVersionResource())
    app.add_route("/identity/v3/auth/tokens", TokensResource(world, users, tokens, endpoints))
    app.add_route("/identity/v3/auth/catalog", CatalogResource(endpoints))
    for kind in ("projects", "domains"):
        app.add_route(f"/identity/v3/auth/{kind}", OwnScopesResource(users, kind))
    app.add_route("/identity/v3/users", UsersResource(world, users))
    app.add_route("/identity/v3/users/{user_id}", UsersResource(world, users), suffix="item")
    app.add_route("/identity/v3/users/{user_id}/projects", UserProjectsResource(users))
    for plural in LISTS:
        collection = IdentityListResource(endpoints, plural)
        app.add_route(f"/identity/v3/{plural}", collection)
        app.add_route(f"/identity/v3/{plural}/{{item_id}}", collection, suffix="item")
