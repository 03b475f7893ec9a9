"""Base classes of the resources: URLs, responses to commands, lists."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import falcon

from application.kernel.errors import NotYetVisible
from application.kernel.unit_of_work import CommandResult
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ActionPlanView, ActionView, AuditView, Page
from domain.kernel.errors import NotFound
from domain.kernel.ids import as_uuid
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of, target_of
from interfaces.rest.errors import POSITION, MalformedRequest
from interfaces.rest.lists import Listing, ListQuery
from interfaces.rest.schemas.common import ViewOptions
from interfaces.rest.services import RestServices

V = TypeVar("V")
P = TypeVar("P", AuditView, ActionPlanView, ActionView)


class BaseResource:
    """A resource and the services that it calls."""

    def __init__(self, api: RestServices) -> None:
        self.api = api
        self.past = api.past

    def options(self, req: falcon.Request, *, detail: bool = True) -> ViewOptions:
        """How objects are shown to a request."""
        call = call_of(req)
        return ViewOptions(self.base(req), call.minor or 0, detail, call.show_deleted)

    def base(self, req: falcon.Request) -> str:
        """Scheme and host that the client used, without a mount prefix."""
        if self.api.settings.behind_proxy:
            return f"{_outermost(req.forwarded_scheme)}://{_outermost(req.forwarded_host)}"
        return f"{req.scheme}://{req.netloc}"

    def application(self, req: falcon.Request) -> str:
        """As ``base``, with the mount prefix: that of WSGI, or the one that a proxy has removed."""
        prefix = req.get_header("X-Forwarded-Prefix") if self.api.settings.behind_proxy else None
        if prefix is None:
            return f"{self.base(req)}{req.root_path}"
        return f"{self.base(req)}/{_outermost(prefix).strip('/')}".rstrip("/")

    def body(self, req: falcon.Request) -> bytes:
        """The request's body."""
        return media.read(req, self.api.settings.max_body)

    def moment(self, req: falcon.Request) -> int | datetime | None:
        """The log position or time of ``at``, None = now.

        Raises:
            MalformedRequest: there is another parameter, or this one is invalid.
        """
        return parameters.moment(media.query(req, [parameters.AT]))

    def written(
        self, resp: falcon.Response, done: CommandResult[Any], find: Callable[[], V | None]
    ) -> V | None:
        """The result of a command, when every replica can read it; sets ``Vigil-Position``.

        Raises:
            NotYetVisible: the read models do not reach the position in time, or are unavailable.
        """
        resp.set_header(POSITION, str(done.position))
        try:
            if self.api.reads.await_position(done.position, self.api.settings.visibility_timeout):
                return find()
        except StoreUnavailable as outage:
            raise NotYetVisible(done.position) from outage
        raise NotYetVisible(done.position)

    def gone(self, resp: falcon.Response, done: CommandResult[None]) -> None:
        """Answers a deletion, when no replica shows the object any more."""
        self.written(resp, done, lambda: None)
        media.nothing(resp, 204)


class CollectionResource(BaseResource, ABC, Generic[V]):
    """A resource with lists: summaries at its path, all attributes at ``detail``."""

    listing: ClassVar[Listing]
    kind: ClassVar[str]
    """Its name in errors."""
    document: "ClassVar[staticmethod[[Any, ViewOptions], Any]]"
    """Makes the document of a view."""

    @abstractmethod
    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[V]:
        """A page of the list."""

    @abstractmethod
    def find(self, ident: str, *, show_deleted: bool) -> V | None:
        """The view of a path identifier, None if there is none."""

    def key(self, ident: str) -> str:
        """A path identifier as ``find`` takes it."""
        return as_name(ident)

    def view(self, req: falcon.Request, ident: str, *, past: bool = False) -> V:
        """The view of a path identifier, including a deleted one if ``past``.

        Raises:
            NotFound: there is none.
        """
        key, show_deleted = self.key(ident), past or call_of(req).show_deleted
        return found(self.kind, key, self.find(key, show_deleted=show_deleted))

    def allowed(self, req: falcon.Request, ident: str) -> V:
        """The view of a path identifier, if the policy allows the request.

        Raises:
            NotFound: there is none.
            PolicyForbids: the policy does not allow it.
        """
        view = self.view(req, ident)
        call_of(req).authorize(target_of(view))
        return view

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One object."""
        media.reply(resp, self.document(self.allowed(req, ident), self.options(req)))

    def reply_written(
        self, req: falcon.Request, resp: falcon.Response, done: CommandResult[UUID]
    ) -> None:
        """Answers with the written object as a GET shows it, even if it is deleted by now."""
        ident, show_deleted = str(done.value), call_of(req).show_deleted

        def find() -> V | None:
            shown = self.find(ident, show_deleted=show_deleted)
            return shown or self.find(ident, show_deleted=True)

        view = found(self.kind, ident, self.written(resp, done, find))
        media.reply(resp, self.document(view, self.options(req)))

    def reply_created(
        self, req: falcon.Request, resp: falcon.Response, done: CommandResult[UUID]
    ) -> None:
        """Answers with the created object and its URL."""
        self.reply_written(req, resp, done)
        resp.status = 201
        resp.location = f"{self.application(req)}/v1/{self.listing.name}/{done.value}"

    def on_get_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Summaries."""
        self._list(req, resp, detail=False)

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Details."""
        self._list(req, resp, detail=True)

    def _list(self, req: falcon.Request, resp: falcon.Response, *, detail: bool) -> None:
        """Answers with a page of a list: checks the parameters, then the policy, then reads."""
        query = ListQuery.of(req, self.listing)
        call_of(req).authorize()
        page = query.page(self.api.settings.max_limit)
        rows = self.rows(page, dict(query.filters))
        options = self.options(req, detail=detail)
        answer: dict[str, Any] = {self.listing.name: [self.document(row, options) for row in rows]}
        following = query.next_link(options.base, page, rows, detail=detail)
        if following is not None:
            answer["next"] = following
        media.reply(resp, answer)


class HistoricResource(CollectionResource[P], ABC, Generic[P]):
    """A collection whose members can be shown as they were at a moment (``at``)."""

    @abstractmethod
    def at(self, view: P, moment: int | datetime) -> tuple[P, int]:
        """The past view, and the position of the last event that it contains."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One object, now or at a moment.

        Raises:
            NotFound: it was deleted at that moment, and deleted objects are not requested.
        """
        moment, call = self.moment(req), call_of(req)
        view = self.view(req, ident, past=moment is not None)
        call.authorize(target_of(view))
        if moment is not None:
            view, position = self.at(view, moment)
            if view.deleted_at is not None and not call.show_deleted:
                raise NotFound(self.kind, ident)
            resp.set_header(POSITION, str(position))
        media.reply(resp, self.document(view, self.options(req)))


def _outermost(forwarded: str) -> str:
    """The value of the outermost proxy in a header to which each proxy appends its own."""
    return forwarded.partition(",")[0].strip()


def found(kind: str, ident: object, view: V | None) -> V:
    """The view.

    Raises:
        NotFound: it is None.
    """
    if view is None:
        raise NotFound(kind, ident)
    return view


def only_uuid(ident: str) -> UUID:
    """A path identifier of a resource without names.

    Raises:
        MalformedRequest: it is not a uuid.
    """
    parsed = as_uuid(ident)
    if parsed is None:
        raise MalformedRequest(f"Expected a uuid but received {ident}.")
    return parsed


def as_name(ident: str) -> str:
    """A path identifier for read models. A NUL, which no name contains, is replaced."""
    return ident.replace("\0", "\N{REPLACEMENT CHARACTER}")
