"""Keystone's paths."""

from infrastructure.simulator.core.http.calls import App
from infrastructure.simulator.core.tokens import Tokens
from infrastructure.simulator.core.world import World
from infrastructure.simulator.keystone.identity import (
    CatalogResource,
    KeystoneVersionResource,
    KeystoneVersionsResource,
    TokensResource,
)
from infrastructure.simulator.keystone.lists import LISTS, IdentityListResource, OwnProjectsResource


def add_routes(app: App, world: World, tokens: Tokens, endpoints: dict[str, str]) -> None:
    """Adds the paths below ``/identity``."""
    app.add_route("/identity", KeystoneVersionsResource())
    app.add_route("/identity/v3", KeystoneVersionResource())
    app.add_route("/identity/v3/auth/tokens", TokensResource(world, tokens, endpoints))
    app.add_route("/identity/v3/auth/catalog", CatalogResource(endpoints))
    app.add_route("/identity/v3/auth/projects", OwnProjectsResource())
    for plural in LISTS:
        collection = IdentityListResource(endpoints, plural)
        app.add_route(f"/identity/v3/{plural}", collection)
        app.add_route(f"/identity/v3/{plural}/{{item_id}}", collection, suffix="item")
