"""The WSGI application: every API of one simulated cloud."""

from wsgiref.types import WSGIApplication

import falcon

from infrastructure.simulator import control
from infrastructure.simulator.baremetal import ironic, maas
from infrastructure.simulator.cinder import api as cinder
from infrastructure.simulator.cloud import Cloud
from infrastructure.simulator.core.http.faulty import Faulty
from infrastructure.simulator.core.http.middleware import SimulatorRequests, add_error_handlers
from infrastructure.simulator.keystone import routes as keystone
from infrastructure.simulator.nova import routes as compute
from infrastructure.simulator.placement import api as placement
from infrastructure.simulator.prometheus.api import prometheus_routes
from infrastructure.web_pages import PageGuard


def make_app(cloud: Cloud, guard: PageGuard | None = None) -> WSGIApplication:
    """Put all APIs of a cloud together.

    Args:
        cloud: the cloud.
        guard: refuses requests of foreign web pages; None: of none.
    """
    app = falcon.App(middleware=[SimulatorRequests(cloud.world, cloud.users, cloud.tokens, guard)])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.keep_blank_qs_values = True
    app.req_options.auto_parse_qs_csv = False
    add_error_handlers(app)
    world = cloud.world
    keystone.add_routes(app, world, cloud.users, cloud.tokens, cloud.endpoints)
    compute.add_routes(app, world, cloud.commands, cloud.storage.ids_on)
    placement.add_routes(app, world)
    cinder.add_routes(app, world, cloud.storage, cloud.volume_operations)
    ironic.add_routes(app, world, cloud.baremetal)
    maas.add_routes(app, world, cloud.baremetal)
    control.add_routes(app, cloud)
    prometheus_routes(app, world)
    return Faulty(app, cloud.world, cloud.faults)
