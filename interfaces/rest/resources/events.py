"""The events of the log, of an audit, of a plan or of an action."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import falcon

from application.ports.read_models import TimelineView
from application.queries.actions import action_events
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of, target_of
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.event_query import DEFAULT_LIMIT, LIST, PAGE, EventQuery
from interfaces.rest.parameters import Given
from interfaces.rest.resources.base import BaseResource, as_name, found, only_uuid
from interfaces.rest.schemas.events import event


class EventsResource(BaseResource):
    """``/v1/events``, and the events of one audit, plan or action, in the order of the log."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Selected events after a position."""
        given = media.query(req, LIST)
        selection = EventQuery.of(given)
        after, limit = parameters.whole(given, "after", 0), self._limit(given)
        call_of(req).authorize()
        self._reply(req, resp, selection.after(self.api.reads, after, limit), given, limit)

    def on_get_audit(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """The events of an audit."""
        given = media.query(req, PAGE)
        shown = call_of(req).show_deleted
        view = found("Audit", ident, self.api.reads.audit(as_name(ident), show_deleted=shown))
        call_of(req).authorize(target_of(view))
        self._reply_of(req, resp, view.uuid, given)

    def on_get_plan(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """The events of an action plan and its actions."""
        given = media.query(req, PAGE)
        uuid, shown = only_uuid(ident), call_of(req).show_deleted
        view = found("ActionPlan", uuid, self.api.reads.action_plan(uuid, show_deleted=shown))
        call_of(req).authorize(target_of(view))
        self._reply_of(req, resp, view.uuid, given)

    def on_get_action(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """The events of an action."""
        given = media.query(req, PAGE)
        uuid, shown = only_uuid(ident), call_of(req).show_deleted
        view = found("Action", uuid, self.api.reads.action(uuid, show_deleted=shown))
        call_of(req).authorize(target_of(view))
        after, limit = parameters.whole(given, "after", 0), self._limit(given)
        plan = view.action_plan_uuid
        rows = action_events(self.api.history, plan, uuid, after=after, limit=limit)
        self._reply(req, resp, rows, given, limit)

    def _reply_of(
        self, req: falcon.Request, resp: falcon.Response, aggregate: UUID, given: Given
    ) -> None:
        after, limit = parameters.whole(given, "after", 0), self._limit(given)
        rows = self.api.reads.timeline(after=after, limit=limit, aggregate_ids=[aggregate])
        self._reply(req, resp, rows, given, limit)

    def _limit(self, given: Given) -> int:
        limit = parameters.whole(given, "limit", DEFAULT_LIMIT)
        if limit < 1:
            raise MalformedRequest("Limit must be positive")
        return min(limit, self.api.settings.max_limit)

    def _reply(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        rows: Sequence[TimelineView],
        given: Given,
        limit: int,
    ) -> None:
        answer: dict[str, Any] = {"events": [event(row) for row in rows]}
        if len(rows) == limit:
            following = {**given, "limit": str(limit), "after": str(rows[-1].position)}
            answer["next"] = f"{self.base(req)}{quote(req.path)}?{urlencode(following)}"
        media.reply(resp, answer)
