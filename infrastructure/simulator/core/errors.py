"""Refusals of the simulated APIs.

ApiError
├── BadRequest        400
├── ApiUnauthorized   401
├── ApiForbidden      403
├── ApiNotFound       404
├── ApiNotAcceptable  406
├── ApiConflict       409
└── ServerFault       500, 503, ... (injected)

Each service wraps them in its own envelope (core/http/envelopes.py).
"""


class ApiError(Exception):
    """An error response."""

    status = 500

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status or self.status


class BadRequest(ApiError):
    """The request is malformed, or the scheduler refuses it synchronously."""

    status = 400


class ApiUnauthorized(ApiError):
    """No token, or one that is not valid (any more)."""

    status = 401

    def __init__(self, message: str = "The request you have made requires authentication.") -> None:
        super().__init__(message)


class ApiForbidden(ApiError):
    """A valid token without the needed role."""

    status = 403


class ApiNotFound(ApiError):
    """The resource does not exist."""

    status = 404


class ApiNotAcceptable(ApiError):
    """An unsupported microversion; Nova repeats it in the response headers."""

    status = 406

    def __init__(self, message: str, asked: tuple[int, int]) -> None:
        super().__init__(message)
        self.asked = asked


class ApiConflict(ApiError):
    """The state of the resource does not allow it."""

    status = 409


class ServerFault(ApiError):
    """The service itself fails."""

    status = 500
