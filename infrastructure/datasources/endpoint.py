"""The query API of Prometheus, reached by URL or through the cloud's catalogue."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import requests
from keystoneauth1.adapter import Adapter
from openstack.connection import Connection

from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.metrics import MetricsUnavailable
from infrastructure.openstack.errors import spoken

_log = logging.getLogger(__name__)
_RETRIED = frozenset({429, 500, 502, 503, 504})
_TOO_LARGE = ("too many samples", "too large", "exceeds the limit", "query memory")
_WORDS = 300


class TooLarge(MetricsUnavailable):
    """The answer to a query would be larger than the server gives: ask for less at once."""


@dataclass(frozen=True)
class Sample:
    """A series' labels and its value at the time of the query."""

    labels: Mapping[str, str]
    value: float


class Endpoint(Protocol):
    """Something that a form can be posted to."""

    def post(self, path: str, form: Mapping[str, str]) -> requests.Response:
        """The response, whatever its status.

        Raises:
            ConnectionError: there was none.
        """
        ...


class UrlEndpoint:
    """A Prometheus at a URL.

    Args:
        url: without ``/api/v1``.
        credentials: user and password, if it wants them.
        cafile: certificates to trust; None: the system's.
        certificate: client certificate and key files, if it wants them.
        timeout: s.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: tuple[str, str] | None = None,
        cafile: str | None = None,
        certificate: tuple[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = credentials
        self._session.verify = cafile or True
        self._session.cert = certificate

    def post(self, path: str, form: Mapping[str, str]) -> requests.Response:
        """Posts a form."""
        try:
            return self._session.post(self._url + path, data=form, timeout=self._timeout)
        except requests.RequestException as error:
            raise ConnectionError(f"{self._url}: {error}") from error

    def close(self) -> None:
        """Gives connections back."""
        self._session.close()


class CatalogueEndpoint:
    """A Prometheus that Keystone guards, found in the cloud's catalogue.

    Args:
        connection: to the cloud.
        service_type: how the catalogue names it.
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
        self._timeout = timeout

    def post(self, path: str, form: Mapping[str, str]) -> requests.Response:
        """Posts a form with a token."""
        try:
            with spoken():
                response: requests.Response = self._adapter.post(
                    path, data=dict(form), raise_exc=False, timeout=self._timeout
                )
                return response
        except CloudUnreachable as error:
            raise ConnectionError(str(error)) from error
        except CloudRefused as error:
            raise MetricsUnavailable(str(error)) from error


class QueryApi:
    """Asks instant queries. A query changes nothing, so a failed one is asked again, a few times.

    Args:
        endpoint: where.
        retries: how often.
        pause: before the first retry, s; doubled for each further one.
        sleep: lets seconds pass.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        retries: int = 2,
        pause: float = 0.5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._retries = retries
        self._pause = pause
        self._sleep = sleep
        self.calls = 0

    def query(self, text: str) -> list[Sample]:
        """The samples of an instant vector.

        Raises:
            TooLarge: ask for less at once.
            MetricsUnavailable: with Prometheus' own words.
        """
        data = _data(self._answer(text), text)
        if data.get("resultType") != "vector" or not isinstance(data.get("result"), list):
            raise MetricsUnavailable(f"expected a vector, not {data.get('resultType')}: {text}")
        try:
            return [Sample(item["metric"], float(item["value"][1])) for item in data["result"]]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise MetricsUnavailable(f"the answer is malformed ({error!r}): {text}") from error

    def _answer(self, text: str) -> requests.Response:
        for attempt in range(self._retries + 1):
            self.calls += 1
            trouble = ""
            try:
                response = self._endpoint.post("/api/v1/query", {"query": text})
            except ConnectionError as error:
                trouble = str(error)
            else:
                if response.status_code not in _RETRIED or _document(response):
                    return response  # a success, or Prometheus itself said what is wrong
                trouble = _words(response)
            if attempt < self._retries:
                pause = self._pause * 2**attempt
                _log.warning("metrics: %s; asking again in %.1f s", trouble, pause)
                self._sleep(pause)
        raise MetricsUnavailable(trouble)


def _document(response: requests.Response) -> dict[str, Any]:
    """Prometheus' answer or error document; empty if it is somebody else's."""
    try:
        document = response.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) and "status" in document else {}


def _data(response: requests.Response, text: str) -> dict[str, Any]:
    document = _document(response)
    if document.get("status") != "success":
        words = _words(response)
        large = response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        kind = TooLarge if large or any(hint in words for hint in _TOO_LARGE) else None
        raise (kind or MetricsUnavailable)(f"{words} (query: {text})")
    for warning in document.get("warnings") or ():
        _log.warning("metrics: %s (query: %s)", warning, text)
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def _words(response: requests.Response) -> str:
    """Prometheus' own words, or what there is."""
    document = _document(response)
    if document.get("error"):
        return f"{document.get('errorType', 'error')}: {document['error']}"
    text = " ".join(response.text[:_WORDS].split())
    return f"HTTP {response.status_code}: {text or response.reason}"
