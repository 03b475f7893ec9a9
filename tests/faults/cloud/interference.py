"""Faults of single requests, between openstacksdk and a simulated cloud."""

import json
from typing import Any, Final

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as Disconnected
from requests.exceptions import ReadTimeout

KINDS: Final = ("500", "503", "409", "401", "time-out", "lost reply")


class Interference(HTTPAdapter):
    """Forwards requests, except one that it spoils. Requests for tokens are not counted.

    Attributes:
        calls: method and path of each request.
        place: 0-based place of the request to be spoilt; None: none is.
        kind: one of ``KINDS``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.place: int | None = None
        self.kind = ""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends a request, or does not."""
        path = request.path_url.partition("?")[0]
        if path.endswith("/auth/tokens") or "/vigil/" in path:
            return super().send(request, *args, **kwargs)
        place = len(self.calls)
        self.calls.append(f"{request.method} {path}")
        if place != self.place:
            return super().send(request, *args, **kwargs)
        if self.kind == "time-out":
            raise ReadTimeout("spoilt", request=request)
        if self.kind == "lost reply":
            super().send(request, *args, **kwargs)
            raise Disconnected("spoilt", request=request)
        return _answer(request, int(self.kind))


def _answer(request: PreparedRequest, status: int) -> Response:
    """An error in the form of Nova's."""
    found = Response()
    found.status_code, found.request, found.url = status, request, str(request.url)
    found.headers["Content-Type"] = "application/json"
    found._content = json.dumps(
        {"conflictingRequest": {"code": status, "message": "spoilt"}}
    ).encode()
    return found
