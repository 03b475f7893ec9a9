"""A client of Vigil's REST API on the standard library alone: it loads in a few milliseconds."""

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
