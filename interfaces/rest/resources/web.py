"""The web view."""

from urllib.parse import urlsplit

import falcon

from interfaces import web
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.services import RestServices

START = "index.html"
POLICY = """
default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';
base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'
"""
HEADERS = {
    "Content-Security-Policy": " ".join(POLICY.split()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""The page can run and load nothing but its own files, and send requests to its own server only."""


class WebResource(BaseResource):
    """``/ui`` and one of the files below it.

    Args:
        api: the services.
        name: of the file.
    """

    def __init__(self, api: RestServices, name: str = START) -> None:
        super().__init__(api)
        self._name = name
        self._content: bytes | None = None

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The file."""
        del req
        if self._content is None:
            self._content = web.content(self._name)
        resp.content_type = web.FILES[self._name]
        resp.set_headers(HEADERS)
        resp.data = self._content

    def on_get_start(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Redirects to the start page, to which the addresses of the other files are relative."""
        resp.status = 302
        resp.location = f"{urlsplit(self.application(req)).path}/ui/{START}"
