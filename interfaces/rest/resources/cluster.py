"""The hosts and servers of the cloud, as the compute model shows them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import falcon

from application.ports.read_models import MarkerNotFound
from application.replay.cluster_view import ClusterView, HostLine, ServerLine
from application.replay.cluster_views import ModelInfo
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.parameters import AT, Given, Parameter
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas.cluster import (
    HostDocument,
    HostsDocument,
    ServerDocument,
    ServersDocument,
)
from interfaces.rest.schemas.common import document

PLAN = Parameter(
    "plan",
    "Also show what the cloud looks like when this action plan has ended.",
    {"type": "string", "format": "uuid"},
)
LIMIT = Parameter(
    "limit", "Maximum number of rows; without it all.", {"type": "integer", "minimum": 1}
)
MARKER = Parameter("marker", "Begin after the row that `next` named.", {"type": "string"})
ZONE = Parameter("zone", "Only hosts of this availability zone.", {"type": "string"})
HOST = Parameter("host", "Only servers on the host with this name or uuid.", {"type": "string"})
PROJECT = Parameter("project", "Only servers of this project.", {"type": "string"})
ONE = (PLAN, AT)
HOSTS = (ZONE, PLAN, AT, LIMIT, MARKER)
SERVERS = (HOST, PROJECT, PLAN, AT, LIMIT, MARKER)

Row = TypeVar("Row", HostLine, ServerLine)


class _ClusterResource(BaseResource):
    """What hosts and servers share: the model that a request shows."""

    def shown(
        self, req: falcon.Request, known: Sequence[Parameter]
    ) -> tuple[Given, ModelInfo, ClusterView]:
        """The parameters of a request, and its model."""
        given = media.query(req, known)
        moment = parameters.moment(given)
        call_of(req).authorize()
        if moment is not None:
            self.past.check(moment)
        info, view = self.api.cluster.at(moment)
        return given, info, view

    def hosts(self, view: ClusterView, given: Given) -> Sequence[HostLine]:
        """The hosts, with what the requested plan changes."""
        return self.api.cluster.hosts(view, parameters.uuid(given, PLAN.name))

    def servers(self, view: ClusterView, given: Given) -> Sequence[ServerLine]:
        """The servers, with where the requested plan moves them."""
        return self.api.cluster.servers(view, parameters.uuid(given, PLAN.name))


class HostsResource(_ClusterResource):
    """``/v1/hosts``."""

    def on_get_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The hosts, by name."""
        given, info, view = self.shown(req, HOSTS)
        zone = given.get(ZONE.name)
        rows = [one for one in self.hosts(view, given) if zone in {None, one.zone}]
        page, following = _page(rows, given, lambda one: one.name)
        media.reply(resp, HostsDocument(model=info, hosts=page, next=following))

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """A host and its servers."""
        given, info, view = self.shown(req, ONE)
        name = view.host(ident).name
        (host,) = (one for one in self.hosts(view, given) if one.name == name)
        servers = [one for one in self.servers(view, given) if one.host == name]
        media.reply(resp, document(HostDocument, host, model=info, server_list=servers))


class ServersResource(_ClusterResource):
    """``/v1/servers``."""

    def on_get_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The servers, by uuid."""
        given, info, view = self.shown(req, SERVERS)
        project = given.get(PROJECT.name)
        host = view.host(given[HOST.name]).name if HOST.name in given else None
        rows = [
            one
            for one in self.servers(view, given)
            if project in {None, one.project} and host in {None, one.host}
        ]
        page, following = _page(rows, given, lambda one: one.uuid)
        media.reply(resp, ServersDocument(model=info, servers=page, next=following))

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """A server; its name or the beginning of its uuid is enough if no other has it."""
        given, info, view = self.shown(req, ONE)
        uuid = view.server(ident).uuid
        (server,) = (one for one in self.servers(view, given) if one.uuid == uuid)
        media.reply(resp, document(ServerDocument, server, model=info))


def _page(
    rows: Sequence[Row], given: Given, key: Callable[[Row], str]
) -> tuple[list[Row], str | None]:
    """The rows after the marker, and the marker of the next page.

    Raises:
        MarkerNotFound: no row has the marker.
        MalformedRequest: the limit is not positive.
    """
    start, marker = 0, given.get(MARKER.name)
    if marker is not None:
        places = {key(one): place for place, one in enumerate(rows)}
        if marker not in places:
            raise MarkerNotFound(f"Marker {marker} could not be found.")
        start = places[marker] + 1
    limit = parameters.whole(given, LIMIT.name, len(rows) or 1)
    if limit < 1:
        raise MalformedRequest("Limit must be positive")
    page = list(rows[start : start + limit])
    return page, key(page[-1]) if page and start + limit < len(rows) else None
