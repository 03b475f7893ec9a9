"""Translates failures of OpenStack and its client libraries into exceptions of the port.

::

    CloudUnreachable        no usable response: connection, time-out, 5xx, rate limit, no identity
    CloudRefused            the service refused the request
    ├── CloudForbidden      401 (after a fresh token) and 403
    ├── ResourceNotFound    404 from the service itself
    ├── Conflicting         409: the state of the target does not allow the request
    ├── Invalid             400 and every other 4xx
    ├── Misconfigured       clouds.yaml or the catalogue lacks something
    └── ServiceAbsent       the catalogue has no such service
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import requests
from keystoneauth1 import exceptions as auth
from openstack import exceptions as sdk

from application.ports.cloud import CLOUD_REFUSED, CloudRefused, CloudUnreachable
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.reasons import Cause, Reason
from infrastructure.failed_connections import plain

_TRY_AGAIN = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,  # old services send it instead of 429
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_MAX_QUOTE = 400
"""Characters that are quoted of a body that is not an error document."""
_MESSAGE_KEYS = ("message", "detail", "faultstring")
"""The field of the error text: in most services, in Placement, in Ironic."""


class _Refusal(CloudRefused):
    def __init__(self, error: str, reason: Reason = CLOUD_REFUSED, **facts: object) -> None:
        super().__init__(Cause(reason, {**facts, "error": error}))
        self.error = error


class CloudForbidden(_Refusal):
    """The credentials are invalid or lack a right."""


class ResourceNotFound(_Refusal):
    """The service has no such resource."""


class Conflicting(_Refusal):
    """The state of the target does not allow the request."""


class Invalid(_Refusal):
    """The request is invalid, or not allowed now."""


class Misconfigured(_Refusal):
    """The clouds.yaml entry or the catalogue lacks something."""


class ServiceAbsent(_Refusal):
    """The cloud's catalogue has no such service."""

    def __init__(self, service: str) -> None:
        error = f"the cloud's catalogue has no {service} service"
        super().__init__(error, SERVICE_ABSENT, service=service)


_BY_STATUS: Mapping[int, type[_Refusal]] = {
    HTTPStatus.UNAUTHORIZED: CloudForbidden,
    HTTPStatus.FORBIDDEN: CloudForbidden,
    HTTPStatus.NOT_FOUND: ResourceNotFound,
    HTTPStatus.CONFLICT: Conflicting,
}


def failure(status: int, error: str) -> CloudRefused | CloudUnreachable:
    """Returns the exception for an HTTP status."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRY_AGAIN:
        return CloudUnreachable(f"HTTP {status}: {error}")
    return _BY_STATUS.get(status, Invalid)(error)


def checked(response: requests.Response) -> requests.Response:
    """Returns the response if it is a success.

    Raises:
        CloudRefused, CloudUnreachable: by status. A 404 without an error document comes from a
            proxy and says nothing about the target.
    """
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return response
    document = _document(response)
    where = f"{response.request.method} {response.url}"
    if response.status_code < HTTPStatus.BAD_REQUEST or (
        response.status_code == HTTPStatus.NOT_FOUND and document is None
    ):
        raise CloudUnreachable(
            f"{where}: HTTP {response.status_code} from a proxy, not from the service"
        )
    raise failure(response.status_code, _error_text(response, document))


def _document(response: requests.Response) -> object:
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError:
        return None


def _error_text(response: requests.Response, document: object) -> str:
    """Finds the service's error text; each service wraps it differently."""
    for error in _errors(document):
        for key in _MESSAGE_KEYS:
            text = error.get(key)
            if isinstance(text, str) and text.strip():
                return " ".join(text.split())
    return " ".join(response.text[:_MAX_QUOTE].split()) or str(response.reason)


def _errors(document: object) -> Iterator[Mapping[str, object]]:
    """The objects that may hold the error text: the document and its members."""
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
def translated_errors() -> Iterator[None]:
    """Translates the exceptions of the client libraries into those of the port."""
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
    return plain(" ".join(str(error).split())) or type(error).__name__
