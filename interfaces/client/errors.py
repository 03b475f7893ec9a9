"""The errors of the client, and how the API's own are read.

ClientError
├── ApiError        the API refused the request
├── ApiUnreachable  the API does not answer
└── ApiNotFound     nothing names an API
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

HINTS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "name a cloud whose credentials are valid: --os-cloud or OS_CLOUD",
    HTTPStatus.FORBIDDEN: "the policy does not allow it to your roles (docs/api.md, Policy)",
    HTTPStatus.MISDIRECTED_REQUEST: "use a name of the API that [api] allowed_hosts lists",
    HTTPStatus.SERVICE_UNAVAILABLE: "try again; `vigil status` shows what is unavailable",
}
"""Status → what a user can do about it."""


class ClientError(Exception):
    """A request failed. The message says what happened; ``hint`` says what to do, if known."""

    hint: str | None = None


class ApiError(ClientError):
    """The API refused the request.

    Attributes:
        status: HTTP status.
        title: its meaning.
        detail: the API's message.
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.hint = HINTS.get(status)

    @classmethod
    def of(cls, status: int, body: bytes) -> "ApiError":
        """The error of a response."""
        title = HTTPStatus(status).phrase if status in set(HTTPStatus) else f"status {status}"
        return cls(status, title, _detail(body))


class ApiUnreachable(ClientError):
    """The API does not answer.

    Attributes:
        url: base URL of the API.
        cause: what failed.
    """

    def __init__(self, url: str, cause: object) -> None:
        super().__init__(f"the API at {url} does not answer: {cause}")
        self.url = url
        self.cause = cause
        self.hint = "is it running (`vigil up`), and is this its address (--url, VIGIL_URL)?"


class ApiNotFound(ClientError):
    """Nothing names an API."""

    hint = "start `vigil up` here, or name an API: --url URL, VIGIL_URL, --os-cloud NAME, OS_CLOUD"


def _detail(body: bytes) -> str:
    """The message in the body of an error: Vigil's, keystonemiddleware's, or the text itself."""
    try:
        found: Any = json.loads(body)
        if isinstance(found["error_message"], str):
            return str(json.loads(found["error_message"])["faultstring"])
    except (ValueError, KeyError, TypeError):
        pass
    try:
        error = json.loads(body)
        return str(error.get("error", error)["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return body.decode(errors="replace").strip()[:500]
