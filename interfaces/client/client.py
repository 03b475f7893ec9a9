import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from interfaces.client.errors import ApiError, ApiUnreachable, ClientError

TIMEOUT: Final = 30.0
"""Seconds without a byte of the response after which a request has failed."""
SILENCE: Final = 60.0
"""Seconds without an event or a comment after which a stream has failed."""
VERSION: Final = "OpenStack-API-Version"

Query = Mapping[str, object]


@dataclass(frozen=True)
class Event:
    """A server-sent event. ``id``: its position in the log; ``data``: its JSON document."""

    id: str
    type: str
    data: Any


class VigilClient:
    """The REST API of an installation. Thread-safe: it has one connection, used in turn.

    Args:
        url: base URL, without ``/v1``.
        token: returns a valid token; None: requests have none.
        microversion: of the requests, or ``latest``.
        timeout: seconds without a byte after which a request has failed.
        tls: how certificates are checked, for https.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str] | None = None,
        microversion: str = "latest",
        *,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ClientError(f"{url!r} is not the URL of an API: http://HOST:PORT or https://…")
        try:
            self._place = parts.scheme, parts.hostname, parts.port
        except ValueError as error:
            raise ClientError(f"{url!r} is not the URL of an API: {error}") from error
        self._prefix = parts.path
        self._token = token
        self._microversion = microversion
        self._timeout = timeout
        self._tls = tls
        self._connection: HTTPConnection | None = None
        self._lock = threading.Lock()

    def get(self, path: str, **query: object) -> Any:
        """The JSON document at a path; parameters that are None are left out.

        Raises:
            ApiError: the API refuses it.
            ApiUnreachable: the API does not answer.
        """
        return self.request("GET", path, query=query)

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """Sends a document; raises as ``get``."""
        return self.request("POST", path, body, headers=headers)

    def patch(self, path: str, body: object) -> Any:
        """Sends a JSON patch; raises as ``get``."""
        return self.request("PATCH", path, body)

    def put(self, path: str, body: object) -> Any:
        """Replaces a document; raises as ``get``."""
        return self.request("PUT", path, body)

    def delete(self, path: str) -> None:
        """Deletes an object; raises as ``get``."""
        self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON document of a response, None if it has no body; raises as ``get``.

        Only a GET is repeated, once, after the connection was lost: the server may have closed an
        idle one.
        """
        sent = None if body is None else json.dumps(body).encode()
        target = self._target(path, query or {})
        every = {**self._headers(), **(headers or {})}
        with self._lock:
            try:
                status, content = self._send(method, target, sent, every)
            except (HTTPException, ConnectionError) as lost:
                if method != "GET":
                    raise ApiUnreachable(self.url, _text(lost)) from lost
                status, content = self._again(method, target, every)
            except OSError as error:
                raise ApiUnreachable(self.url, _text(error)) from error
        if status >= HTTPStatus.BAD_REQUEST:
            raise ApiError.of(status, content)
        return _decoded(self.url, content) if content else None

    def stream(self, path: str, **query: object) -> Iterator[Event]:
        """The events of a stream, for ever; it is opened again when the server ends it.

        Raises:
            ApiError: the API refuses it.
            ApiUnreachable: the API does not answer.
        """
        last: str | None = None
        while True:
            headers = {**self._headers(), "Accept": "text/event-stream"}
            if last is not None:
                headers["Last-Event-ID"] = last
            with closing(self._connect(SILENCE)) as connection:
                try:
                    connection.request("GET", self._target(path, query), headers=headers)
                    response = connection.getresponse()
                except (HTTPException, OSError) as error:
                    raise ApiUnreachable(self.url, _text(error)) from error
                with response:
                    if response.status >= HTTPStatus.BAD_REQUEST:
                        raise ApiError.of(response.status, response.read())
                    try:
                        for event in _events(response):
                            last = event.id or last
                            yield event
                    except (HTTPException, OSError):
                        pass  # the connection was lost: it is opened again after the last event

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._drop()

    def _headers(self) -> dict[str, str]:
        headers = {
            VERSION: f"infra-optim {self._microversion}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        if self._token is not None:
            headers["X-Auth-Token"] = self._token()
        return headers

    def _target(self, path: str, query: Query) -> str:
        given = {name: _value(value) for name, value in query.items() if value is not None}
        return self._prefix + path + (f"?{urlencode(given)}" if given else "")

    def _again(self, method: str, target: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._drop()
        try:
            return self._send(method, target, None, headers)
        except (HTTPException, OSError) as error:
            raise ApiUnreachable(self.url, _text(error)) from error

    def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._connect(self._timeout)
        try:
            self._connection.request(method, target, body, dict(headers))
            response = self._connection.getresponse()
            return response.status, response.read()
        except BaseException:
            self._drop()
            raise

    def _connect(self, timeout: float) -> HTTPConnection:
        scheme, host, port = self._place
        if scheme == "https":
            return HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        return HTTPConnection(host, port, timeout=timeout)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _value(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _decoded(url: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ApiUnreachable(url, "what answers there does not speak JSON") from error


def _events(response: HTTPResponse) -> Iterator[Event]:
    """The events of a response (HTML Living Standard, "Server-sent events")."""
    fields: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        if name:
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        elif "data" in fields:
            yield Event(fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"]))
            fields = {}
