"""Requests to one OpenStack service, as plain JSON.

Requests use openstacksdk's configuration, catalogue, session and version discovery, but not its
resource classes: Vigil reads a list of 50,000 servers into rows directly, chooses the microversion
of each request, and pages lists with the markers that each API accepts.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

import requests
from keystoneauth1.adapter import Adapter
from keystoneauth1.discover import normalize_version_number, version_to_string
from openstack.connection import Connection
from openstack.proxy import Proxy

from application.ports.cloud import CloudUnreachable, correlation
from domain.cluster.table.odd_fields import is_identity
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import (
    Invalid,
    Misconfigured,
    ResourceNotFound,
    checked,
    translated_errors,
)

BLOCK_STORAGE = "block-storage"
BAREMETAL = "baremetal"
Json = dict[str, Any]
Query = Mapping[str, object]
_Version = tuple[int | float, ...]
_log = logging.getLogger(__name__)
_RETRIED = [429, 500, 502, 503, 504]


class _ProxyWithoutMetrics(Proxy):
    """The SDK's adapter without its metrics, which log warnings and cost time."""

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("raise_exc", False)
        return Adapter.request(self, url, method, *args, **kwargs)


@dataclass(frozen=True)
class EffectResponse:
    """The response to a request that changes something.

    Attributes:
        body: the JSON document, empty if there was none.
        request_id: the service's own id of the request; its instance actions carry it.
    """

    body: Json
    request_id: str | None


class CloudService:
    """Sends requests to one service.

    Args:
        kind: service type (``compute``, ``placement``, ``block-storage``, ``baremetal``).
        floor: the oldest microversion that Vigil can use.
        ceiling: the newest microversion that Vigil can use.
    """

    def __init__(
        self,
        connection: Connection,
        kind: str,
        limits: ConnectionLimits,
        *,
        floor: str,
        ceiling: str,
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._limits = limits
        self._floor = floor
        self._ceiling = ceiling
        self._lock = RLock()
        self._adapter: Proxy | None = None
        self._newest: _Version | None = None
        self._calls = 0

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._calls

    def user_id(self) -> str | None:
        """The id of the user that Vigil authenticates as.

        Raises:
            CloudUnreachable, CloudRefused: the authentication failed.
        """
        with translated_errors():
            user: str | None = self._connection.session.get_user_id()
            return user

    def supports(self, microversion: str) -> bool:
        """Whether Vigil and the service both support a microversion."""
        return normalize_version_number(microversion) <= self._version()

    def get(self, path: str, query: Query | None = None, *, version: str | None = None) -> Json:
        """Reads one document; tries again a few times while the service fails.

        Args:
            path: below the endpoint.
            query: parameters; those that are None are left out.
            version: the highest microversion to use; None: the newest that both sides support.
        """
        return self._json(
            self._send(
                "GET",
                path,
                version,
                params={k: v for k, v in (query or {}).items() if v is not None},
                connect_retries=self._limits.read_retries,
                status_code_retries=self._limits.read_retries,
                retriable_status_codes=_RETRIED,
            )
        )

    def get_list(self, path: str, key: str, query: Query | None = None) -> list[Json]:
        """Reads a list that comes in one document.

        Args:
            path: below the endpoint.
            key: of the items in the document. An item that is no object becomes an empty one.
            query: parameters.

        Raises:
            CloudUnreachable: the list could not be read, or the document has none.
            CloudRefused: the credentials lack a right.
        """
        return _items(path, self.get(path, query), key)

    def list_all(
        self, path: str, key: str, query: Query | None = None, *, identity: str = "id"
    ) -> list[Json]:
        """Reads a whole list, page by page; returns each item once.

        The marker of a page is the last item of the page before. If that item is deleted in
        between, the service refuses the marker; the list is then read again, once.

        Args:
            path: below the endpoint.
            key: of the items in a document. An item that is no object becomes an empty one.
            query: parameters other than limit and marker.
            identity: the field that identifies an item.

        Raises:
            CloudUnreachable: the list could not be read, or changes too fast.
            CloudRefused: the credentials lack a right.
        """
        for _ in range(2):
            try:
                items = self._pages(path, key, query or {}, identity)
                return list({_key(item, identity): item for item in items}.values())
            except _MarkerRefused:
                _log.info("%s changed while it was read; reading it again", path)
        raise CloudUnreachable(f"{path} changes too fast to be read")

    def _pages(self, path: str, key: str, query: Query, identity: str) -> Iterator[Json]:
        marker: str | None = None
        while True:
            try:
                page = self.get(path, {**query, "limit": self._limits.page, "marker": marker})
            except (Invalid, ResourceNotFound) as error:
                if marker is None:
                    raise
                raise _MarkerRefused from error
            items = _items(path, page, key)
            yield from items
            if not items or not _has_next(page):
                return
            marker = _next_marker(path, items, identity, marker)

    def send_once(
        self, method: str, path: str, body: Json | None, *, version: str | None = None
    ) -> EffectResponse:
        """Sends a request that changes something; never sends it again.

        Raises:
            CloudRefused: the service changed nothing.
            CloudUnreachable: unknown whether the service changed something.
        """
        response = self._send(
            method,
            path,
            version,
            json=body,
            connect_retries=0,
            status_code_retries=0,
            timeout=self._limits.effect_timeout,
        )
        request_id = response.headers.get("x-openstack-request-id") or response.headers.get(
            "x-compute-request-id"
        )
        return EffectResponse(self._json(response) if response.content else {}, request_id)

    def _send(
        self, method: str, path: str, version: str | None, **kwargs: Any
    ) -> requests.Response:
        microversion = self._microversion(version)
        correlation_id = correlation()
        with translated_errors():
            with self._lock:
                self._calls += 1
            response = self._client().request(
                path,
                method,
                microversion=microversion,
                global_request_id=None if correlation_id is None else f"req-{correlation_id}",
                headers={"Accept": "application/json"},
                **kwargs,
            )
            return checked(response)

    def _json(self, response: requests.Response) -> Json:
        with translated_errors():
            document = response.json()
        if not isinstance(document, dict):
            raise CloudUnreachable(f"{response.url} returned no JSON object")
        return document

    def _client(self) -> Proxy:
        with self._lock:
            if self._adapter is None:
                self._adapter = self._connection.config.get_session_client(
                    self._kind, constructor=_ProxyWithoutMetrics
                )
            return self._adapter

    def _microversion(self, wanted: str | None) -> str:
        best = self._version()
        if wanted is not None:
            best = min(best, normalize_version_number(wanted))
        return version_to_string(best)

    def _version(self) -> _Version:
        with self._lock:  # threads that start together send one request
            if self._newest is None:
                self._newest = self._discover()
            return self._newest

    def _discover(self) -> _Version:
        with translated_errors():
            data = self._client().get_endpoint_data()
        if data is None or not data.max_microversion:
            raise CloudUnreachable(f"{self._kind} does not show which microversions it supports")
        newest: _Version = data.max_microversion
        if newest < normalize_version_number(self._floor):
            theirs = version_to_string(newest)
            raise Misconfigured(
                f"{self._kind} supports microversion {theirs}; Vigil needs {self._floor}"
            )
        return min(newest, normalize_version_number(self._ceiling))


class _MarkerRefused(Exception):
    """The item that the next page starts after was deleted."""


def _items(path: str, document: Json, key: str) -> list[Json]:
    items = document.get(key)
    if not isinstance(items, list):
        raise CloudUnreachable(f"{path}: a response without a list of {key}")
    return [item if isinstance(item, dict) else {} for item in items]


def _key(item: Json, identity: str) -> object:
    """What tells items apart: one without a usable id is the same only if it is equal."""
    found = item.get(identity)
    return found if isinstance(found, str | int) else repr(item)


def _next_marker(path: str, items: Sequence[Json], identity: str, last: str | None) -> str:
    """The last id of a page, so that an item with an odd id does not end the list.

    Raises:
        CloudUnreachable: the page has no id to continue after.
    """
    for item in reversed(items):
        marker = item.get(identity)
        if is_identity(marker) and marker != last:
            return str(marker)
    raise CloudUnreachable(f"{path}: a page without an {identity} to continue after")


def _has_next(page: Json) -> bool:
    """Ironic gives a URL under ``next``; Nova and Cinder give links under ``<key>_links``."""
    if page.get("next"):
        return True
    links = [links for name, links in page.items() if name.endswith("_links")]
    return any(link["rel"] == "next" for each in links for link in each)


def compute(connection: Connection, limits: ConnectionLimits) -> CloudService:
    """Nova. 2.59: migrations have uuids; 2.96: a server shows the zone it is pinned to."""
    return CloudService(connection, "compute", limits, floor="2.59", ceiling="2.96")


def placement(connection: Connection, limits: ConnectionLimits) -> CloudService:
    """Placement. 1.19: the parts of a provider come with its generation."""
    return CloudService(connection, "placement", limits, floor="1.19", ceiling="1.39")


def block_storage(connection: Connection, limits: ConnectionLimits) -> CloudService:
    """Cinder v3. 3.61: volumes have the name of their cluster."""
    return CloudService(connection, BLOCK_STORAGE, limits, floor="3.0", ceiling="3.71")


def baremetal(connection: Connection, limits: ConnectionLimits) -> CloudService:
    """Ironic. 1.21: lists of chosen fields, names, resource classes; 1.42: faults."""
    return CloudService(connection, BAREMETAL, limits, floor="1.21", ceiling="1.109")
