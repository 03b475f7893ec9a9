"""The error responses: each class of error has exactly one status.

Errors of this layer::

    RestError
    ├── MalformedRequest               400  the request is invalid
    ├── Unauthenticated                401  the caller cannot be identified
    ├── PolicyForbids                  403  the policy does not allow it
    ├── ForeignPage                    403  a web page of another origin sent the request
    ├── MicroversionNotAcceptable      406  the feature needs a newer microversion
    │   └── VersionNotAcceptable            the microversion does not exist
    ├── BodyTooSlow                    408  the body does not arrive in time
    ├── BodyTooLarge                   413  the body is longer than allowed
    ├── UnusableMediaType              415  the body is not JSON
    ├── ForeignName                    421  the request is addressed to a name that is not ours
    ├── IdentityUnavailable            503  the identity service does not answer
    └── TooManyStreams                 503  no event stream is free in this process
"""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress

import falcon

from application.kernel.errors import (
    ApplicationError,
    DefaultsInTheWay,
    NothingThen,
    NotYetVisible,
    Unavailable,
)
from application.kernel.unit_of_work import KeyReused
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable, UnreadableEvent
from application.ports.projections import StoreUnavailable
from application.ports.read_models import MarkerNotFound, ReadModels, UnknownSortKey
from domain.kernel import errors as domain

LOG = logging.getLogger("vigil.rest")

POSITION = "Vigil-Position"

MAX_TEXT = 4096
"""Characters of the text of an error."""


class RestError(Exception):
    """Root of the errors of this layer."""


class MalformedRequest(RestError):
    """The request is invalid."""


class Unauthenticated(RestError):
    """The caller cannot be identified.

    Args:
        challenge: value of the ``WWW-Authenticate`` header.
    """

    def __init__(self, challenge: str) -> None:
        super().__init__("The request you have made requires authentication.")
        self.challenge = challenge


class IdentityUnavailable(RestError):
    """The identity service does not answer."""

    def __init__(self) -> None:
        super().__init__("The Keystone service is temporarily unavailable.")


class TooManyStreams(RestError):
    """No event stream is free in this process."""


class PolicyForbids(RestError):
    """The policy does not allow it."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"Policy doesn't allow {rule} to be performed.")


class ForeignPage(RestError):
    """A web page of another origin sent the request."""


class ForeignName(RestError):
    """The request is addressed to a name that is not the server's."""


class MicroversionNotAcceptable(RestError):
    """The feature needs a newer microversion."""


class VersionNotAcceptable(MicroversionNotAcceptable):
    """The microversion does not exist."""


class BodyTooSlow(RestError):
    """The body does not arrive in time."""


class BodyTooLarge(RestError):
    """The body is longer than allowed."""


class UnusableMediaType(RestError):
    """The body is not JSON."""


STATUS: Mapping[type[Exception], int] = {
    domain.DomainError: 400,
    domain.InvalidValue: 400,
    domain.NotFound: 404,
    domain.Refusal: 400,
    domain.IllegalTransition: 400,
    domain.DeleteRefused: 400,
    domain.Conflict: 409,
    domain.NameTaken: 409,
    domain.NotSkippable: 409,
    domain.Fenced: 409,
    ApplicationError: 500,
    DefaultsInTheWay: 409,
    NotYetVisible: 500,
    Unavailable: 500,
    NothingThen: 404,
    KeyReused: 422,
    MarkerNotFound: 404,
    UnknownSortKey: 400,
    StoreUnavailable: 503,  # raised only without a change: see BaseResource.written
    ConcurrencyConflict: 503,  # nothing was saved: clients may retry, and do so by themselves
    UnreadableEvent: 500,  # stored by a newer version, or damaged: a retry does not help
    EventLogUnavailable: 500,  # unknown whether a write was saved: a retry could repeat it;
    # reads are answered with 503 (``handle_log_unavailable``)
    RestError: 400,
    MalformedRequest: 400,
    Unauthenticated: 401,
    IdentityUnavailable: 503,
    TooManyStreams: 503,
    PolicyForbids: 403,
    ForeignPage: 403,
    MicroversionNotAcceptable: 406,
    VersionNotAcceptable: 406,
    BodyTooSlow: 408,
    BodyTooLarge: 413,
    UnusableMediaType: 415,
    ForeignName: 421,
}
"""The status of each class of error that a handler can raise, and of its subclasses."""

_TEXTS: Mapping[type[Exception], str] = {
    ConcurrencyConflict: "The same object was changed concurrently; nothing was saved.",
    StoreUnavailable: "The read models are unavailable.",
    UnreadableEvent: "An event cannot be read by this version of the service; see its log.",
    EventLogUnavailable: "The event log is unavailable; it is unknown whether a change was saved.",
}
"""Texts for errors whose own text may name internals."""


_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def status_of(kind: type[Exception]) -> int:
    """The status of a class of errors: its own in STATUS, or that of its nearest base class."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def envelope(status: int, text: str) -> bytes:
    """The body of an error: JSON that contains another document as text (docs/api.md, "Errors")."""
    code = "Client" if status < 500 else "Server"  # noqa: PLR2004
    fault = {"faultcode": code, "faultstring": text, "debuginfo": None}
    return json.dumps({"error_message": json.dumps(fault)}).encode()


def answer(resp: falcon.Response, status: int, text: str) -> None:
    """Turns a response into an error; the text may repeat a value of any length."""
    text = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} …"
    resp.status = status
    resp.content_type = "application/json"
    resp.data = envelope(status, text)
    resp.text = None


def handle_known(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: Mapping[str, object]
) -> None:
    """Answers an error whose class is in STATUS."""
    del req, params
    status = status_of(type(error))
    text = _TEXTS.get(type(error), str(error))
    if status >= 500:  # noqa: PLR2004
        LOG.warning("answered %d: %s", status, error)
    answer(resp, status, text)
    if isinstance(error, domain.DomainError | ApplicationError) and error.position is not None:
        resp.set_header(POSITION, str(error.position))
    if status == 503:  # noqa: PLR2004
        resp.set_header("Retry-After", "1")


class RefusalHandler:
    """Answers the refusal of a command when the next read shows what the refusal rests on.

    Args:
        reads: the read models.
        timeout: seconds to wait for them, as a successful command does.
    """

    def __init__(self, reads: ReadModels, timeout: float) -> None:
        self._reads = reads
        self._timeout = timeout

    def __call__(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        error: domain.DomainError | ApplicationError,
        params: Mapping[str, object],
    ) -> None:
        """Waits for the position of the error, if it has one; then answers as ``handle_known``."""
        if error.position is not None and not isinstance(error, NotYetVisible):
            with suppress(StoreUnavailable):
                self._reads.await_position(error.position, self._timeout)
        handle_known(req, resp, error, params)


def handle_log_unavailable(
    req: falcon.Request,
    resp: falcon.Response,
    error: EventLogUnavailable,
    params: Mapping[str, object],
) -> None:
    """Answers that the event log is unavailable: a read can be retried, a write can not."""
    if req.method not in _READING:
        handle_known(req, resp, error, params)
        return
    LOG.warning("answered 503: %s", error)
    answer(resp, 503, "The event log is unavailable.")
    resp.set_header("Retry-After", "1")


def handle_unauthenticated(
    req: falcon.Request,
    resp: falcon.Response,
    error: Unauthenticated,
    params: Mapping[str, object],
) -> None:
    """Answers with the document of keystonemiddleware (docs/api.md, "Errors")."""
    del req, params
    resp.status = 401
    resp.content_type = "application/json"
    document = {"code": 401, "title": "Unauthorized", "message": str(error)}
    resp.data = json.dumps({"error": document}).encode()
    resp.set_header("WWW-Authenticate", error.challenge)


def handle_identity_unavailable(
    req: falcon.Request,
    resp: falcon.Response,
    error: IdentityUnavailable,
    params: Mapping[str, object],
) -> None:
    """Answers as keystonemiddleware does if it cannot reach Keystone (docs/api.md, "Errors")."""
    del req, params
    resp.status = 503
    resp.content_type = "application/json"
    title = "Service Unavailable"
    resp.data = json.dumps({"message": str(error), "code": f"503 {title}", "title": title}).encode()
    resp.set_header("Retry-After", "1")


def handle_http(
    req: falcon.Request,
    resp: falcon.Response,
    error: falcon.HTTPError,
    params: Mapping[str, object],
) -> None:
    """Answers an error of the framework: an unknown route or method."""
    del params
    status = falcon.http_status_to_code(error.status)
    answer(resp, status, error.description or f"{error.title}: {req.method} {req.path}")
    if error.headers:
        resp.set_headers(error.headers)


def handle_unexpected(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: Mapping[str, object]
) -> None:
    """Answers a defect without details; these are in the log."""
    del params
    LOG.error("%s %s failed", req.method, req.path, exc_info=error)
    answer(resp, 500, "An unexpected error occurred; the service log has it under the request id.")
