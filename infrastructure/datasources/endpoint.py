"""HTTP to a datasource: at a URL or through the cloud's catalogue, with retries."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Protocol

import requests
from keystoneauth1.adapter import Adapter
from openstack.connection import Connection

from application.kernel.retry import RetryPolicy, retry
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.metrics import MetricsUnavailable
from infrastructure.clock import SystemClock
from infrastructure.failed_connections import plain
from infrastructure.logs import scrubbed
from infrastructure.openstack.errors import Misconfigured, translated_errors

_log = logging.getLogger(__name__)
_RETRIED = frozenset({429, 500, 502, 503, 504})
METHOD_REFUSED = frozenset(
    {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)
"""Statuses of servers and proxies that allow another method only."""
TOO_LARGE = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_URI_TOO_LONG})
"""Statuses of a request that has to be sent in parts."""
_TEXT_LIMIT = 300
MAX_RESPONSE = 256 * 1024 * 1024
"""Bytes of a response, unpacked, that are read."""
_CHUNK = 64 * 1024


class NotConfigured(MetricsUnavailable):
    """The datasource is not configured: a retry does not help."""


class ResponseTooLarge(MetricsUnavailable):
    """The response would exceed a limit of the server: request less at once."""


@dataclass(frozen=True)
class Request:
    """A request that only reads.

    Attributes:
        method: ``GET`` or ``POST``.
        path: below the datasource's URL.
        params: of the query string.
        form, document: the body, one of them or none.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    document: object | None = None


class DatasourceEndpoint(Protocol):
    """Sends requests to a datasource."""

    def send(self, request: Request) -> requests.Response:
        """The response, of any status.

        Raises:
            ConnectionError: there was none.
            MetricsUnavailable: there was none, and a retry does not help.
        """
        ...


class _Bearer(requests.auth.AuthBase):
    """A token; as an ``AuthBase``, because requests lets a netrc replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read_whole(response: requests.Response, limit: int) -> requests.Response:
    """Reads the body of a response that was not read yet; a small one can unpack to any size.

    Raises:
        ResponseTooLarge: the body is longer than the limit, bytes.
    """
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        size += len(part)
        if size > limit:
            response.close()
            raise ResponseTooLarge(f"the response is longer than {limit} bytes")
        parts.append(part)
    response._content = b"".join(parts)  # noqa: SLF001 - as requests does when it reads a body
    return response


class UrlEndpoint:
    """A datasource at a URL.

    Args:
        url: prefix of all paths.
        credentials: user and password, None for no authentication.
        token: a bearer token, used instead of credentials.
        cafile: trusted certificates; None: those of the system.
        certificate: client certificate and key files.
        timeout: s.
        max_bytes: the longest response, unpacked.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: tuple[str, str] | None = None,
        token: str | None = None,
        cafile: str | None = None,
        certificate: tuple[str, str] | None = None,
        timeout: float = 60.0,
        max_bytes: int = MAX_RESPONSE,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._session = requests.Session()
        self._session.auth = _Bearer(token) if token else credentials
        self._session.verify = cafile or True
        self._session.cert = certificate
        self._session.headers.update({"Accept": "application/json"})

    def send(self, request: Request) -> requests.Response:
        """See ``DatasourceEndpoint``."""
        try:
            response = self._session.request(
                request.method,
                self._url + request.path,
                params=request.params,
                data=request.form,
                json=request.document,
                timeout=self._timeout,
                stream=True,
            )
            return read_whole(response, self._max_bytes)
        except requests.RequestException as error:
            # the text becomes a reason in the event log: it must not contain a password
            raise ConnectionError(scrubbed(f"{self._url}: {plain(str(error))}")) from error

    def close(self) -> None:
        """Closes all connections."""
        self._session.close()


class CatalogueEndpoint:
    """A datasource behind Keystone, found in the cloud's catalogue.

    Args:
        connection: to the cloud.
        service_type: of the datasource in the catalogue.
        interface: ``public``, ``internal`` or ``admin``.
        region: None: the connection's.
        timeout: s.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        service_type: str = "metric-storage",
        interface: str = "public",
        region: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._adapter = Adapter(
            session=connection.session,
            service_type=service_type,
            interface=interface,
            region_name=region or connection.config.get_region_name(),
        )
        self._missing = f"the catalogue has no {interface} endpoint of type {service_type}"
        self._timeout = timeout

    def send(self, request: Request) -> requests.Response:
        """See ``DatasourceEndpoint``; it sends a token."""
        body = {} if request.document is None else {"json": request.document}
        if request.form is not None:
            body = {"data": dict(request.form)}
        try:
            with translated_errors():
                response: requests.Response = self._adapter.request(
                    self._path(request.path),
                    request.method,
                    params=dict(request.params),
                    headers={"Accept": "application/json"},
                    raise_exc=False,
                    timeout=self._timeout,
                    stream=True,
                    **body,
                )
                return read_whole(response, MAX_RESPONSE)
        except CloudUnreachable as error:
            raise ConnectionError(str(error)) from error
        except Misconfigured as error:
            raise NotConfigured(error.error) from error
        except CloudRefused as error:
            raise MetricsUnavailable(str(error)) from error

    def _path(self, path: str) -> str:
        """The path; without the version if the catalogue's URL ends with it already."""
        address = self._adapter.get_endpoint()
        if address is None:
            raise NotConfigured(self._missing)
        version = path[: path.index("/", 1)] if path.count("/") > 1 else path
        return path.removeprefix(version) if address.rstrip("/").endswith(version) else path


REQUEST_RETRY = RetryPolicy(first_pause=1.0, factor=1.0, attempts=3, time_limit=120.0)


class _Failed(Exception):
    """There was no response, or an error that a retry may avoid; the message says which."""


class HttpReader:
    """Sends requests, and retries them: they only read.

    Args:
        endpoint: sends one request.
        policy: of the retries; its time limit counts from the start of the first attempt.
        clock: pauses.
    """

    def __init__(
        self,
        endpoint: DatasourceEndpoint,
        policy: RetryPolicy = REQUEST_RETRY,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._policy = policy
        self._clock = clock or SystemClock()
        self.calls = 0

    def send(
        self,
        request: Request,
        *,
        once: bool = False,
        is_final: Callable[[requests.Response], bool] = lambda _: False,
    ) -> requests.Response:
        """The response.

        Args:
            request: the request.
            once: no retries.
            is_final: whether a server error comes from the datasource itself: it is not retried.

        Raises:
            MetricsUnavailable: there was none, or only errors of a proxy or an overloaded server.
        """
        policy = replace(self._policy, attempts=1) if once else self._policy
        try:
            return retry(
                lambda: self._attempt(request, is_final),
                policy,
                on=_Failed,
                clock=self._clock,
                failed=lambda error, pause: _log.warning(
                    "metrics: %s; again in %.1f s", error, pause
                ),
                since=self._clock.monotonic(),
            )
        except _Failed as error:
            raise MetricsUnavailable(str(error)) from error

    def _attempt(
        self, request: Request, is_final: Callable[[requests.Response], bool]
    ) -> requests.Response:
        self.calls += 1
        try:
            response = self._endpoint.send(request)
        except ConnectionError as error:
            raise _Failed(str(error)) from error
        if response.status_code in _RETRIED and not is_final(response):
            raise _Failed(summary(response))
        return response


def summary(response: requests.Response) -> str:
    """The status and the text of a response, in a line."""
    text = " ".join(response.text[:_TEXT_LIMIT].split())
    return f"HTTP {response.status_code}: {text or response.reason}"


def json_of(response: requests.Response) -> object:
    """The JSON document; None if there is none."""
    try:
        document: object = response.json()
    except requests.exceptions.JSONDecodeError:
        return None
    return document
