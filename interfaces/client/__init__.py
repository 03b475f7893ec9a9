"""A client of Vigil's REST API on the standard library alone.

Its parts are imported when they are used: a help text needs no HTTP.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interfaces.client.client import Event, VigilClient
    from interfaces.client.errors import ApiError, ApiUnreachable, ClientError
    from interfaces.client.finding import add_connection_arguments, client_from

__all__ = [
    "ApiError",
    "ApiUnreachable",
    "ClientError",
    "Event",
    "VigilClient",
    "add_connection_arguments",
    "client_from",
]
_MODULES = {
    "ApiError": "errors",
    "ApiUnreachable": "errors",
    "ClientError": "errors",
    "Event": "client",
    "VigilClient": "client",
    "add_connection_arguments": "finding",
    "client_from": "finding",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
