"""What a cloud's failures mean: the one place that knows.

::

    CloudUnreachable        no usable answer: connection, time-out, 5xx, rate limit, identity down
    CloudRefused            it understood and said no
    ├── Forbidden           401 (after a fresh token) and 403
    ├── NotThere            404 from the service itself
    ├── Conflicting         409: not in the state that the target is in
    ├── Invalid             400 and every other 4xx
    ├── Misconfigured       clouds.yaml or the catalogue lacks something
    └── Absent              the catalogue has no such service
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import requests
from keystoneauth1 import exceptions as auth
from openstack import exceptions as sdk

from application.ports.cloud import CloudRefused, CloudUnreachable
from domain.kernel.reasons import Cause, Reason

_TRY_AGAIN = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,  # what old services say for 429
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_WORDS = 400
"""So many characters of a body that is not an error document are quoted."""
_WORDED = ("message", "detail", "faultstring")
"""Where services put their words: most of them, Placement, Ironic."""


class _Refusal(CloudRefused):
    def __init__(self, error: str, reason: Reason = Reason.CLOUD_REFUSED, **facts: object) -> None:
        super().__init__(Cause(reason, {**facts, "error": error}))
        self.error = error


class CloudForbidden(_Refusal):
    """The credentials do not work or lack a right."""


class ResourceNotFound(_Refusal):
    """The service knows no such thing."""


class Conflicting(_Refusal):
    """The target is in a state that does not allow it."""


class Invalid(_Refusal):
    """The request itself is not acceptable, or not now."""


class Misconfigured(_Refusal):
    """The cloud's entry or its catalogue lacks something."""


class ServiceAbsent(_Refusal):
    """The cloud's catalogue has no such service."""

    def __init__(self, service: str) -> None:
        error = f"the cloud's catalogue has no {service} service"
        super().__init__(error, Reason.SERVICE_ABSENT, service=service)


_BY_STATUS: Mapping[int, type[_Refusal]] = {
    HTTPStatus.UNAUTHORIZED: CloudForbidden,
    HTTPStatus.FORBIDDEN: CloudForbidden,
    HTTPStatus.NOT_FOUND: ResourceNotFound,
    HTTPStatus.CONFLICT: Conflicting,
}


def failure(status: int, error: str) -> CloudRefused | CloudUnreachable:
    """The exception that an HTTP status stands for."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRY_AGAIN:
        return CloudUnreachable(f"HTTP {status}: {error}")
    return _BY_STATUS.get(status, Invalid)(error)


def checked(response: requests.Response) -> requests.Response:
    """The response, if it is a success.

    Raises:
        CloudRefused, CloudUnreachable: by status. A 404 without an error document comes from
            something between us and the service and says nothing about the target.
    """
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return response
    document = _document(response)
    where = f"{response.request.method} {response.url}"
    if response.status_code < HTTPStatus.BAD_REQUEST or (
        response.status_code == HTTPStatus.NOT_FOUND and document is None
    ):
        raise CloudUnreachable(f"{where} answered HTTP {response.status_code}, not the service")
    raise failure(response.status_code, _words(response, document))


def _document(response: requests.Response) -> object:
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError:
        return None


def _words(response: requests.Response, document: object) -> str:
    """The service's own words: each wraps them differently."""
    for error in _errors(document):
        for key in _WORDED:
            words = error.get(key)
            if isinstance(words, str) and words.strip():
                return " ".join(words.split())
    return " ".join(response.text[:_WORDS].split()) or str(response.reason)


def _errors(document: object) -> Iterator[Mapping[str, object]]:
    """What may hold the words: the document and its members."""
    if not isinstance(document, dict):
        return
    for value in [document, *document.values()]:
        found = value[0] if isinstance(value, list) and value else value  # placement lists errors
        if isinstance(found, str) and found.startswith("{"):
            found = _parsed(found)  # Ironic up to 2024 writes its error as JSON within JSON
        if isinstance(found, dict):
            yield found


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


@contextmanager
def spoken() -> Iterator[None]:
    """Turns whatever the client libraries raise inside into the port's exceptions."""
    try:
        yield
    except auth.HttpError as error:
        raise failure(error.http_status or HTTPStatus.BAD_GATEWAY, _text(error)) from error
    except sdk.HttpException as error:
        raise failure(error.status_code or HTTPStatus.BAD_GATEWAY, _text(error)) from error
    except (
        auth.ConnectionError,
        auth.DiscoveryFailure,
        auth.InvalidResponse,
        sdk.InvalidResponse,
        requests.RequestException,
    ) as error:
        raise CloudUnreachable(_text(error)) from error
    except (auth.ClientException, sdk.SDKException) as error:
        raise Misconfigured(_text(error)) from error


def _text(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
