"""What the resources share."""

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
from interfaces.rest.call import call_of
from interfaces.rest.errors import POSITION, MalformedRequest
from interfaces.rest.lists import Listing, ListQuery
from interfaces.rest.schemas.common import Look
from interfaces.rest.services import RestServices

V = TypeVar("V")
P = TypeVar("P", AuditView, ActionPlanView, ActionView)


class BaseResource:
    """A resource and what it calls."""

    def __init__(self, api: RestServices) -> None:
        self.api = api
        self.past = api.past

    def look(self, req: falcon.Request, *, detail: bool = True) -> Look:
        """What a request may see."""
        call = call_of(req)
        return Look(self.base(req), call.minor or 0, detail, call.show_deleted)

    def base(self, req: falcon.Request) -> str:
        """Scheme and host that the client used, without a mount prefix."""
        if self.api.settings.behind_proxy:
            return f"{_outermost(req.forwarded_scheme)}://{_outermost(req.forwarded_host)}"
        return f"{req.scheme}://{req.netloc}"

    def application(self, req: falcon.Request) -> str:
        """As ``base``, with the mount prefix: ours, or what a proxy says that it cut off."""
        cut_off = req.get_header("X-Forwarded-Prefix") if self.api.settings.behind_proxy else None
        if cut_off is None:
            return f"{self.base(req)}{req.root_path}"
        return f"{self.base(req)}/{_outermost(cut_off).strip('/')}".rstrip("/")

    def body(self, req: falcon.Request) -> bytes:
        """The request's body."""
        return media.read(req, self.api.settings.max_body)

    def moment(self, req: falcon.Request) -> int | datetime | None:
        """The log position or time as of which a thing is to be shown, None = as it is.

        Raises:
            MalformedRequest: there is another parameter, or this one is neither.
        """
        return parameters.moment(media.query(req, [parameters.AT.name]))

    def written(
        self, resp: falcon.Response, done: CommandResult[Any], find: Callable[[], V | None]
    ) -> V | None:
        """What a command did, once it can be read on every replica; says where it lies.

        Raises:
            NotYetVisible: the read models are further behind than patience goes, or unreachable.
        """
        resp.set_header(POSITION, str(done.position))
        try:
            if self.api.reads.await_position(done.position, self.api.settings.patience):
                return find()
        except StoreUnavailable as outage:
            raise NotYetVisible(done.position) from outage
        raise NotYetVisible(done.position)

    def stored(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        done: CommandResult[UUID],
        find: Callable[[bool], V | None],
    ) -> V | None:
        """What was just written, as a GET would show it; also if it was deleted meanwhile.

        ``find`` is told whether deleted things are shown.
        """
        shown = call_of(req).show_deleted
        return self.written(resp, done, lambda: find(shown) or find(True))  # noqa: FBT003

    def gone(self, resp: falcon.Response, done: CommandResult[None]) -> None:
        """Answers a deletion, once no replica shows the thing any more."""
        self.written(resp, done, lambda: None)
        media.nothing(resp, 204)

    def created(
        self, req: falcon.Request, resp: falcon.Response, collection: str, ident: UUID, shown: Any
    ) -> None:
        """Answers a creation."""
        resp.location = f"{self.application(req)}/v1/{collection}/{ident}"
        media.reply(resp, shown, 201)


class CollectionResource(BaseResource, ABC, Generic[V]):
    """A resource whose rows are listed: summaries at its path, all attributes at ``detail``."""

    listing: ClassVar[Listing]

    @abstractmethod
    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[V]:
        """A page of the list."""

    @abstractmethod
    def shown(self, view: V, look: Look) -> Any:
        """A row as the client sees it."""

    def on_get_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Summaries."""
        self._list(req, resp, detail=False)

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Details."""
        self._list(req, resp, detail=True)

    def _list(self, req: falcon.Request, resp: falcon.Response, *, detail: bool) -> None:
        """Answers with a page of a list: parameters first, then the policy, then the rows."""
        query = ListQuery.of(req, self.listing)
        call_of(req).authorize()
        page = query.page(self.api.settings.max_limit)
        rows = self.rows(page, dict(query.filters))
        look = self.look(req, detail=detail)
        answer: dict[str, Any] = {self.listing.name: [self.shown(row, look) for row in rows]}
        following = query.next_link(look.base, page, rows, detail=detail)
        if following is not None:
            answer["next"] = following
        media.reply(resp, answer)


def _outermost(forwarded: str) -> str:
    """What the first of several proxies, each of which appended its own, wrote into a header."""
    return forwarded.partition(",")[0].strip()


def as_of(
    req: falcon.Request, resp: falcon.Response, kind: str, ident: object, then: tuple[P, int]
) -> P:
    """What a thing was, unless it was deleted then and deleted things are not asked for.

    Raises:
        NotFound: it was.
    """
    view, position = then
    if view.deleted_at is not None and not call_of(req).show_deleted:
        raise NotFound(kind, ident)
    resp.set_header(POSITION, str(position))
    return view


def found(kind: str, ident: object, view: V | None) -> V:
    """A view that must be there.

    Raises:
        NotFound: it is not.
    """
    if view is None:
        raise NotFound(kind, ident)
    return view


def only_uuid(ident: str) -> UUID:
    """A path identifier of a resource that has no name.

    Raises:
        MalformedRequest: it is not a uuid.
    """
    parsed = as_uuid(ident)
    if parsed is None:
        raise MalformedRequest(f"Expected a uuid but received {ident}.")
    return parsed


def as_name(ident: str) -> str:
    """A path identifier as read models take it; text that no name can be is one nobody has."""
    return ident.replace("\0", "\N{REPLACEMENT CHARACTER}")
