"""The decisions about a server or a host."""

import falcon

from application.queries.decisions import LIMIT, Resource, ResourceKind, decisions_about
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.parameters import Parameter
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas.decisions import DecisionsDocument, decision
from interfaces.rest.services import RestServices

QUERY = (
    Parameter(
        "limit",
        "Maximum number of actions that are looked up.",
        {"type": "integer", "minimum": 1, "default": LIMIT},
    ),
)


class DecisionsResource(BaseResource):
    """``/v1/servers/{id}/decisions`` and ``/v1/hosts/{name}/decisions``.

    Args:
        api: the services.
        kind: what a path names.
    """

    def __init__(self, api: RestServices, kind: ResourceKind) -> None:
        super().__init__(api)
        self._kind = kind

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """The decisions, newest first; none about a resource that Vigil does not know."""
        given = media.query(req, QUERY)
        call_of(req).authorize()
        limit = min(parameters.whole(given, "limit", LIMIT), self.api.settings.max_limit)
        if limit < 1:
            raise MalformedRequest("Limit must be positive")
        found = decisions_about(
            self.api.reads, self.api.records, Resource(ident, self._kind), limit
        )
        media.reply(resp, DecisionsDocument(decisions=list(map(decision, found))))
