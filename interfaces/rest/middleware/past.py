import falcon

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WHATIF = "/whatif"
"""End of the path of a POST that stores nothing."""


class PastMiddleware:
    """Refuses to write, in a service that shows the past."""

    def __init__(self, position: int) -> None:
        self._position = position

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Checks the method.

        Raises:
            falcon.HTTPMethodNotAllowed: the request would write.
        """
        del resp
        if req.method in _READING or (req.method == "POST" and req.path.endswith(_WHATIF)):
            return
        raise falcon.HTTPMethodNotAllowed(
            sorted(_READING),
            description=f"This is the past, as of log position {self._position}: it can only be "
            "read.",
        )
