"""The WSGI application: every API of one simulated cloud."""

from wsgiref.types import WSGIApplication

import falcon

from infrastructure.simulator import control
from infrastructure.simulator.cinder import api as cinder
from infrastructure.simulator.cloud import Cloud
from infrastructure.simulator.core.http.calls import App
from infrastructure.simulator.core.http.faulty import Faulty
from infrastructure.simulator.core.http.middleware import SimulatorRequests, add_error_handlers
from infrastructure.simulator.ironic import api as ironic
from infrastructure.simulator.keystone.identity import (
    CatalogResource,
    KeystoneVersionResource,
    KeystoneVersionsResource,
    TokensResource,
)
from infrastructure.simulator.keystone.lists import LISTS, IdentityListResource, OwnProjectsResource
from infrastructure.simulator.nova import routes as compute
from infrastructure.simulator.placement import api as placement
from infrastructure.simulator.prometheus.api import prometheus_routes


def make_app(cloud: Cloud) -> WSGIApplication:
    """Put all APIs of a cloud together."""
    app = falcon.App(middleware=[SimulatorRequests(cloud)])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.keep_blank_qs_values = True
    app.req_options.auto_parse_qs_csv = False
    add_error_handlers(app)
    _identity(app, cloud)
    compute.add_routes(app, cloud)
    placement.add_routes(app, cloud)
    cinder.add_routes(app, cloud)
    ironic.add_routes(app, cloud)
    control.add_routes(app, cloud)
    prometheus_routes(app, cloud.world)
    return Faulty(app, cloud)


def _identity(app: App, cloud: Cloud) -> None:
    app.add_route("/identity", KeystoneVersionsResource())
    app.add_route("/identity/v3", KeystoneVersionResource())
    app.add_route("/identity/v3/auth/tokens", TokensResource(cloud))
    app.add_route("/identity/v3/auth/catalog", CatalogResource(cloud))
    app.add_route("/identity/v3/auth/projects", OwnProjectsResource())
    for plural in LISTS:
        collection = IdentityListResource(cloud, plural)
        app.add_route(f"/identity/v3/{plural}", collection)
        app.add_route(f"/identity/v3/{plural}/{{item_id}}", collection, suffix="item")
