"""How refusals and failures are answered: each kind of error has exactly one status.

Errors of this layer::

    RestError
    ├── Malformed               400  the request cannot be understood
    ├── Unauthenticated         401  nobody knows who sent it
    ├── IdentityUnavailable     503  the identity service cannot be asked
    ├── Forbidden               403  the policy says no
    ├── Busy                    503  this process serves as many event streams as it may
    ├── NotAcceptable           406  the feature needs a newer microversion
    │   └── VersionNotAcceptable     no such microversion
    ├── TooSlow                 408  the rest of the body does not come
    ├── TooLarge                413  the body is longer than allowed
    └── UnusableMediaType       415  a body in a format that is not JSON
"""

import json
import logging
from collections.abc import Mapping

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
from application.ports.read_models import MarkerNotFound, UnknownSortKey
from domain.kernel import errors as domain
from domain.optimization.selection import NoStrategyForGoal

LOG = logging.getLogger("vigil.rest")

POSITION = "Vigil-Position"


class RestError(Exception):
    """Root of what this layer refuses."""


class MalformedRequest(RestError):
    """The request cannot be understood."""


class Unauthenticated(RestError):
    """Nobody knows who sent it.

    Args:
        challenge: value of the ``WWW-Authenticate`` header.
    """

    def __init__(self, challenge: str) -> None:
        super().__init__("The request you have made requires authentication.")
        self.challenge = challenge


class IdentityUnavailable(RestError):
    """The identity service cannot be asked who sent it."""

    def __init__(self) -> None:
        super().__init__("The Keystone service is temporarily unavailable.")


class TooManyStreams(RestError):
    """This process serves as many event streams as it may."""


class PolicyForbids(RestError):
    """The policy says no."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"Policy doesn't allow {rule} to be performed.")


class MicroversionNotAcceptable(RestError):
    """The feature needs a newer microversion."""


class VersionNotAcceptable(MicroversionNotAcceptable):
    """There is no such microversion."""


class BodyTooSlow(RestError):
    """The rest of the body does not come."""


class BodyTooLarge(RestError):
    """The body is longer than allowed."""


class UnusableMediaType(RestError):
    """A body in a format that is not JSON."""


STATUS: Mapping[type[Exception], int] = {
    domain.DomainError: 400,
    domain.InvalidValue: 400,
    domain.NotFound: 404,
    NoStrategyForGoal: 404,
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
    StoreUnavailable: 503,  # only ever before or without a change: see Resource.written
    ConcurrencyConflict: 503,  # nothing was saved: clients retry a 503 by themselves, rightly so
    UnreadableEvent: 500,  # stored by a newer version, or damaged: asking again will not help
    EventLogUnavailable: 500,  # whether it was saved is unknown: a blind retry could double it;
    # of what only reads: 503 (``handle_log_away``)
    RestError: 400,
    MalformedRequest: 400,
    Unauthenticated: 401,
    IdentityUnavailable: 503,
    TooManyStreams: 503,
    PolicyForbids: 403,
    MicroversionNotAcceptable: 406,
    VersionNotAcceptable: 406,
    BodyTooSlow: 408,
    BodyTooLarge: 413,
    UnusableMediaType: 415,
}
"""Every error that a handler may let out, and its one answer."""

_TELLING: Mapping[type[Exception], str] = {
    ConcurrencyConflict: "Others changed the same things at the same time; nothing was saved.",
    StoreUnavailable: "The read models cannot be reached.",
    UnreadableEvent: (
        "This version of the service cannot read one of its events; the service log says why."
    ),
    EventLogUnavailable: "The event log cannot be reached; whether a change was saved is unknown.",
}


_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def envelope(status: int, text: str) -> bytes:
    """The body of an error: a JSON document that holds another one as a string (rest-api 5.1)."""
    code = "Client" if status < 500 else "Server"  # noqa: PLR2004
    fault = {"faultcode": code, "faultstring": text, "debuginfo": None}
    return json.dumps({"error_message": json.dumps(fault)}).encode()


def answer(resp: falcon.Response, status: int, text: str) -> None:
    """Makes a response an error."""
    resp.status = status
    resp.content_type = "application/json"
    resp.data = envelope(status, text)
    resp.text = None


def handle_known(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: Mapping[str, object]
) -> None:
    """Answers an error that STATUS names."""
    del req, params
    status = STATUS[type(error)]
    text = _TELLING.get(type(error), str(error))
    if status >= 500:  # noqa: PLR2004
        LOG.warning("answered %d: %s", status, error)
    answer(resp, status, text)
    if isinstance(error, NotYetVisible):
        resp.set_header(POSITION, str(error.position))
    if status == 503:  # noqa: PLR2004
        resp.set_header("Retry-After", "1")


def handle_log_away(
    req: falcon.Request,
    resp: falcon.Response,
    error: EventLogUnavailable,
    params: Mapping[str, object],
) -> None:
    """Answers that the event log cannot be reached: what only reads can safely be asked again."""
    if req.method not in _READING:
        handle_known(req, resp, error, params)
        return
    LOG.warning("answered 503: %s", error)
    answer(resp, 503, "The event log cannot be reached: nothing can be read from it now.")
    resp.set_header("Retry-After", "1")


def handle_unauthenticated(
    req: falcon.Request,
    resp: falcon.Response,
    error: Unauthenticated,
    params: Mapping[str, object],
) -> None:
    """Answers in the identity service's own form (rest-api 5.4)."""
    del req, params
    resp.status = 401
    resp.content_type = "application/json"
    told = {"code": 401, "title": "Unauthorized", "message": str(error)}
    resp.data = json.dumps({"error": told}).encode()
    resp.set_header("WWW-Authenticate", error.challenge)


def handle_no_identity(
    req: falcon.Request,
    resp: falcon.Response,
    error: IdentityUnavailable,
    params: Mapping[str, object],
) -> None:
    """Answers as the identity service's filter does when it cannot reach it (rest-api 5.2)."""
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
    """Answers what the framework refuses: no such route, no such method."""
    del params
    status = falcon.http_status_to_code(error.status)
    answer(resp, status, error.description or f"{error.title}: {req.method} {req.path}")
    if error.headers:
        resp.set_headers(error.headers)


def handle_unexpected(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: Mapping[str, object]
) -> None:
    """Answers a defect without telling its insides; the log has them."""
    del params
    LOG.error("%s %s failed", req.method, req.path, exc_info=error)
    answer(resp, 500, "An unexpected error happened; the service's log has it by the request's id.")
