"""Vigil's own: the trail of what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import falcon

from application.ports.read_models import EventFilter, ReadModels, TimelineView
from application.queries.actions import action_events
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of, target_of
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.parameters import Given, Parameter
from interfaces.rest.resources.base import BaseResource, as_name, found, only_uuid
from interfaces.rest.schemas.events import event

DEFAULT_LIMIT = 100

_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
AFTER = Parameter("after", "Only what lies behind this position.", {"type": "integer"})
LIMIT = Parameter(
    "limit",
    "At most so many events.",
    {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
)
WHICH = (
    Parameter("type", "Only these types, with commas between them.", {"type": "string"}),
    Parameter("actor", "Only what this actor caused: a name.", {"type": "string"}),
    Parameter("aggregate_id", "Only what happened to this.", _UUID),
    Parameter("correlation_id", "Only what was done for this audit run.", _UUID),
)
TIMES = (
    Parameter("since", "Only from this time on.", _TIME),
    Parameter("until", "Only before this time.", _TIME),
)
PAGE = (AFTER, LIMIT)
QUERY = (*PAGE, *WHICH, *TIMES)


@dataclass(frozen=True)
class EventQuery:
    """Which events a request asks for."""

    topics: Sequence[str]
    aggregates: Sequence[UUID]
    correlation: UUID | None
    only: EventFilter

    @classmethod
    def of(cls, given: Given) -> "EventQuery":
        """What the parameters say.

        Raises:
            MalformedRequest: one is not of its type.
        """
        aggregate = parameters.uuid(given, "aggregate_id")
        return cls(
            topics=[one.strip() for one in given.get("type", "").split(",") if one.strip()],
            aggregates=[] if aggregate is None else [aggregate],
            correlation=parameters.uuid(given, "correlation_id"),
            only=EventFilter(
                given.get("actor"), parameters.time(given, "since"), parameters.time(given, "until")
            ),
        )

    def behind(self, reads: ReadModels, after: int, limit: int) -> list[TimelineView]:
        """The next of them behind a position."""
        return reads.timeline(
            after=after,
            limit=limit,
            aggregate_ids=self.aggregates,
            correlation_id=self.correlation,
            topics=self.topics,
            only=self.only,
        )


class EventsResource(BaseResource):
    """``/v1/events``: everything that happened, in the order of the log."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Events behind a position, as far as they are wanted."""
        given = media.query(req, (one.name for one in QUERY))
        wanted = EventQuery.of(given)
        after, limit = parameters.whole(given, "after", 0), self._limit(given)
        call_of(req).authorize()
        self._reply(req, resp, wanted.behind(self.api.reads, after, limit), given, limit)

    def on_get_audit(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """What happened to an audit."""
        given = media.query(req, (one.name for one in PAGE))
        shown = call_of(req).show_deleted
        view = found("Audit", ident, self.api.reads.audit(as_name(ident), show_deleted=shown))
        call_of(req).authorize(target_of(view))
        self._of(req, resp, view.uuid, given)

    def on_get_plan(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """What happened to an action plan and its actions."""
        given = media.query(req, (one.name for one in PAGE))
        uuid, shown = only_uuid(ident), call_of(req).show_deleted
        view = found("ActionPlan", uuid, self.api.reads.action_plan(uuid, show_deleted=shown))
        call_of(req).authorize(target_of(view))
        self._of(req, resp, view.uuid, given)

    def on_get_action(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """What happened to an action."""
        given = media.query(req, (one.name for one in PAGE))
        uuid, shown = only_uuid(ident), call_of(req).show_deleted
        view = found("Action", uuid, self.api.reads.action(uuid, show_deleted=shown))
        call_of(req).authorize(target_of(view))
        after, limit = parameters.whole(given, "after", 0), self._limit(given)
        plan = view.action_plan_uuid
        rows = action_events(self.api.history, plan, uuid, after=after, limit=limit)
        self._reply(req, resp, rows, given, limit)

    def _of(
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
            answer["next"] = f"{self.base(req)}{req.path}?{urlencode(following)}"
        media.reply(resp, answer)
