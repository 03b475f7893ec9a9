"""One service of a cloud, in its own JSON.

Requests go through openstacksdk's configuration, catalogue, session and version discovery, but not
through its resource classes: a list of 50,000 servers is read into rows directly, the microversion
of each request is ours to choose, and lists are paged by what each API really takes.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

import requests
from keystoneauth1.adapter import Adapter
from keystoneauth1.discover import normalize_version_number, version_to_string
from openstack.connection import Connection
from openstack.proxy import Proxy

from application.ports.cloud import CloudUnreachable, correlation
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import Invalid, Misconfigured, checked, spoken

Json = dict[str, Any]
Query = Mapping[str, object]
_Version = tuple[int | float, ...]
_log = logging.getLogger(__name__)
_RETRIED = [429, 500, 502, 503, 504]


class _Plain(Proxy):
    """The SDK's adapter without its metrics: they warn and cost, and we count ourselves."""

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("raise_exc", False)
        return Adapter.request(self, url, method, *args, **kwargs)


@dataclass(frozen=True)
class Answer:
    """What an effect was answered.

    Attributes:
        body: the JSON document, empty if there was none.
        request_id: the service's own id of the request: what its history knows it by.
    """

    body: Json
    request_id: str | None


class CloudService:
    """A service by type (``compute``, ``placement``).

    Args:
        ceiling: the newest microversion whose answers we know how to read.
        floor: the oldest that we can work with.
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
        self._spoken: _Version | None = None
        self._calls = 0

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._calls

    def user_id(self) -> str | None:
        """Whom the cloud takes us for.

        Raises:
            CloudUnreachable, CloudRefused: we could not authenticate.
        """
        with spoken():
            user: str | None = self._connection.session.get_user_id()
            return user

    def supports(self, microversion: str) -> bool:
        """Whether both sides speak a microversion."""
        return normalize_version_number(microversion) <= self._version()

    def get(self, path: str, query: Query | None = None, *, version: str | None = None) -> Json:
        """Reads one document; repeated a few times while the service is out of order.

        Args:
            path: below the endpoint.
            query: parameters; those that are None are left out.
            version: microversion, at most; the service's newest that we know otherwise.
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

    def listed(self, path: str, key: str, query: Query | None = None) -> list[Json]:
        """A whole list, page by page, each item once.

        The marker is the last item's id. If that item is deleted between two pages the service
        refuses the marker: the list is begun again, once.
        """
        try:
            return self._unique(path, key, query or {})
        except _MarkerGone:
            _log.info("%s changed while it was listed: listing it again", path)
        try:
            return self._unique(path, key, query or {})
        except _MarkerGone as error:
            raise CloudUnreachable(f"{path} changes too fast to be listed") from error

    def _unique(self, path: str, key: str, query: Query) -> list[Json]:
        return list({item["id"]: item for item in self._pages(path, key, query)}.values())

    def _pages(self, path: str, key: str, query: Mapping[str, object]) -> Iterator[Json]:
        marker = None
        while True:
            try:
                page = self.get(path, {**query, "limit": self._limits.page, "marker": marker})
            except Invalid as error:
                if marker is None:
                    raise
                raise _MarkerGone from error
            items: list[Json] = page[key]
            yield from items
            links = page.get(f"{key}_links", ())
            if not items or not any(link["rel"] == "next" for link in links):
                return
            marker = items[-1]["id"]

    def effect(
        self, method: str, path: str, body: Json | None, *, version: str | None = None
    ) -> Answer:
        """Changes something: sent once, whatever happens.

        Raises:
            CloudRefused: it was not had.
            CloudUnreachable: unknown whether it was had.
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
        return Answer(self._json(response) if response.content else {}, request_id)

    def _send(
        self, method: str, path: str, version: str | None, **kwargs: Any
    ) -> requests.Response:
        microversion = self._microversion(version)
        ours = correlation()
        with spoken():
            with self._lock:
                self._calls += 1
            response = self._client().request(
                path,
                method,
                microversion=microversion,
                global_request_id=None if ours is None else f"req-{ours}",
                headers={"Accept": "application/json"},
                **kwargs,
            )
            return checked(response)

    def _json(self, response: requests.Response) -> Json:
        with spoken():
            document = response.json()
        if not isinstance(document, dict):
            raise CloudUnreachable(f"{response.url} did not answer with a document")
        return document

    def _client(self) -> Proxy:
        with self._lock:
            if self._adapter is None:
                self._adapter = self._connection.config.get_session_client(
                    self._kind, constructor=_Plain
                )
            return self._adapter

    def _microversion(self, wanted: str | None) -> str:
        best = self._version()
        if wanted is not None:
            best = min(best, normalize_version_number(wanted))
        return version_to_string(best)

    def _version(self) -> _Version:
        with self._lock:  # threads that begin together ask once
            if self._spoken is None:
                self._spoken = self._discovered()
            return self._spoken

    def _discovered(self) -> _Version:
        with spoken():
            data = self._client().get_endpoint_data()
        if data is None or not data.max_microversion:
            raise CloudUnreachable(f"{self._kind} does not say which versions it speaks")
        newest: _Version = data.max_microversion
        if newest < normalize_version_number(self._floor):
            theirs = version_to_string(newest)
            raise Misconfigured(f"{self._kind} speaks {theirs}; {self._floor} is needed")
        return min(newest, normalize_version_number(self._ceiling))


class _MarkerGone(Exception):
    """The item that the next page was to begin after is no more."""


def compute(connection: Connection, limits: ConnectionLimits) -> CloudService:
    """Nova. 2.59: migrations have uuids; 2.96: servers tell the zone they are pinned to."""
    return CloudService(connection, "compute", limits, floor="2.59", ceiling="2.96")


def placement(connection: Connection, limits: ConnectionLimits) -> CloudService:
    """Placement. 1.19: what belongs to a provider comes with its generation."""
    return CloudService(connection, "placement", limits, floor="1.19", ceiling="1.39")
