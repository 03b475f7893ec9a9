"""CORS headers, by oslo.middleware."""

from wsgiref.types import WSGIApplication

from oslo_middleware import cors

from infrastructure.settings import LibraryOptions

_REQUEST = ("X-Auth-Token", "OpenStack-API-Version", "X-Show-Deleted", "Idempotency-Key")
_RESPONSE = (
    *("X-OpenStack-Request-Id", "Vigil-Position", "Location"),
    *("OpenStack-API-Version", "OpenStack-API-Minimum-Version", "OpenStack-API-Maximum-Version"),
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def with_cors(app: WSGIApplication, options: LibraryOptions) -> WSGIApplication:
    """The application behind oslo.middleware's filter.

    Args:
        app: the application.
        options: source of the section ``[cors]`` and of its subsections ``[cors.<name>]``.
    """
    conf = options.load()
    conf.register_opts(cors.OPTS, "cors")
    for name, default in (
        ("allow_headers", _REQUEST),
        ("expose_headers", _RESPONSE),
        ("allow_methods", _METHODS),
    ):
        conf.set_default(name, list(default), group="cors")
    options.settle(conf, "cors")
    wrapped: WSGIApplication = cors.CORS(app, conf)
    return wrapped
