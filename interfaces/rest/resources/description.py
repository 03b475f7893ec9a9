from collections.abc import Callable
from typing import Any

import falcon

from interfaces.rest import media
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.services import RestServices


class OpenApiResource(BaseResource):
    """``/openapi.json``.

    Args:
        api: the services.
        describe: creates the description; called for the first request.
    """

    def __init__(self, api: RestServices, describe: Callable[[], dict[str, Any]]) -> None:
        super().__init__(api)
        self._describe = describe
        self._document: bytes | None = None

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """This description."""
        del req
        if self._document is None:
            self._document = media.encoded(self._describe())
        resp.content_type = media.JSON
        resp.data = self._document
