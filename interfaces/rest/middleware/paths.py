import re
from collections.abc import Collection

import falcon

_SLASHES = re.compile(r"/{2,}")


class PathMiddleware:
    """Rewrites every accepted spelling of a path to that of its route.

    Repeated slashes count as one, a trailing one is ignored, and ``/goals`` means ``/v1/goals``
    (the ``bookmark`` links use it).

    Args:
        unversioned: existing paths outside of ``/v1``.
    """

    def __init__(self, unversioned: Collection[str]) -> None:
        self._unversioned = frozenset(unversioned)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Rewrites the path before routing."""
        del resp
        req.path = self.spelled(req.path)

    def spelled(self, path: str) -> str:
        """The canonical spelling of a path."""
        path = _SLASHES.sub("/", path).rstrip("/") or "/"
        if path in self._unversioned or path == "/v1" or path.startswith("/v1/"):
            return path
        return "/v1" + path
