import falcon

from infrastructure.web_pages import MISDIRECTED, PageGuard
from interfaces.rest.errors import ForeignName, ForeignPage


class PageMiddleware:
    """Refuses requests of foreign web pages, where requests need no token."""

    def __init__(self, guard: PageGuard) -> None:
        self._guard = guard

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Checks the headers in which a browser says where a request comes from.

        Raises:
            ForeignName: it is addressed to a name that is not the server's.
            ForeignPage: it comes from a page of another origin.
        """
        del resp
        refusal = self._guard.refusal(req.scheme, req.get_header("Host"), req.get_header("Origin"))
        if refusal is None:
            return
        status, why = refusal
        if status == MISDIRECTED:
            raise ForeignName(f"{why}, unless [vigil] allowed_hosts lists the name.")
        raise ForeignPage(f"{why}, unless [cors] allowed_origin lists it.")
