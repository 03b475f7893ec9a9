"""Whole lists, page by page, from services that each mark the end in a way of their own.

Cinder puts a link of relation ``next`` under some name that ends in ``_links``; Ironic puts a URL
under ``next``. Both continue after the item that the ``marker`` names.
"""

import logging
from collections.abc import Iterator, Mapping

from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack.connection import Connection

from application.ports.cloud import CloudUnreachable
from infrastructure.openstack.errors import Invalid, ResourceNotFound, ServiceAbsent, spoken
from infrastructure.openstack.service import CloudService, Json

_log = logging.getLogger(__name__)


def whole(
    service: CloudService,
    path: str,
    key: str,
    query: Mapping[str, object] | None = None,
    *,
    page: int,
    identity: str = "id",
) -> list[Json]:
    """A whole list, each item once.

    If the item that the next page is to begin after is deleted meanwhile, the service refuses the
    marker: the list is begun again, once.

    Args:
        service: whom to ask.
        path: of the list.
        key: under which a document holds its items.
        query: parameters beside limit and marker.
        page: items per request; a service may answer with fewer.
        identity: the field that tells items apart.

    Raises:
        CloudUnreachable: it could not be read, or changes too fast.
        CloudRefused: credentials lack a right.
    """
    for _ in range(2):
        try:
            items = _pages(service, path, key, {**(query or {}), "limit": page}, identity)
            return list({item[identity]: item for item in items}.values())
        except _MarkerGone:
            _log.info("%s changed while it was listed: listing it again", path)
    raise CloudUnreachable(f"{path} changes too fast to be listed")


class _MarkerGone(Exception):
    """The item that the next page was to begin after is no more."""


def _pages(
    service: CloudService, path: str, key: str, query: Mapping[str, object], identity: str
) -> Iterator[Json]:
    marker = None
    while True:
        try:
            document = service.get(path, {**query, "marker": marker})
        except (Invalid, ResourceNotFound) as error:
            if marker is None:
                raise
            raise _MarkerGone from error
        items: list[Json] = document[key]
        yield from items
        if not items or not _continues(document):
            return
        marker = items[-1][identity]


def _continues(document: Json) -> bool:
    if document.get("next"):
        return True
    links = [links for name, links in document.items() if name.endswith("_links")]
    return any(link["rel"] == "next" for each in links for link in each)


def require(connection: Connection, kind: str) -> None:
    """Refuses a cloud that does not have a service.

    Raises:
        CloudRefused: the catalogue has no such entry.
        CloudUnreachable: the catalogue cannot be read.
    """
    with spoken():
        if connection.config.get_endpoint(kind):
            return  # clouds.yaml says where it is
        auth = connection.session.auth
        if not isinstance(auth, BaseIdentityPlugin):
            return  # no Keystone, no catalogue: the first request will tell
        catalogue = auth.get_access(connection.session).service_catalog
        offered = catalogue.get_endpoints_data(service_type=kind)
    if not any(offered.values()):
        raise ServiceAbsent(kind)
