from collections.abc import Iterable

import falcon

from interfaces.rest import media
from interfaces.rest.openapi.document import description
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.routes import Route
from interfaces.rest.services import RestServices


class OpenApiResource(BaseResource):
    """``/openapi.json``."""

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._routes: Iterable[Route] = ()
        self._document: bytes | None = None

    def describe(self, routes: Iterable[Route]) -> None:
        """Takes in what there is to describe."""
        self._routes = routes

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """This description."""
        del req
        if self._document is None:
            self._document = media.encoded(description(self._routes))
        resp.content_type = media.JSON
        resp.data = self._document
