"""Vigil's own: the trail of what happened."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import falcon

from application.ports.read_models import TimelineView
from interfaces.rest import media
from interfaces.rest.call import as_uuid, call_of, target_of
from interfaces.rest.errors import Malformed
from interfaces.rest.resources.base import Resource, as_name, found, only_uuid
from interfaces.rest.schemas.events import event

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
PARAMETERS = ("after", "limit")
DEFAULT_LIMIT = 100


class Events(Resource):
    """``/v1/events``: everything that happened, in the order of the log."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Events behind a position, perhaps of one type or one correlation id."""
        parameters = media.query(req, [*PARAMETERS, "type", "correlation_id"])
        after, limit = _whole(parameters, "after", 0), self._limit(parameters)
        correlation = parameters.get("correlation_id")
        correlation_id = None if correlation is None else as_uuid(correlation)
        if correlation is not None and correlation_id is None:
            raise Malformed(f"Invalid value for correlation_id: {correlation!r} is no uuid")
        call_of(req).authorize()
        rows = self.api.reads.timeline(
            after=after,
            limit=limit,
            correlation_id=correlation_id,
            topics=[parameters["type"]] if "type" in parameters else [],
        )
        self._reply(req, resp, rows, parameters, limit)

    def on_get_audit(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """What happened to an audit."""
        parameters = media.query(req, PARAMETERS)
        shown = call_of(req).show_deleted
        view = found("Audit", ident, self.api.reads.audit(as_name(ident), show_deleted=shown))
        call_of(req).authorize(target_of(view))
        self._of(req, resp, view.uuid, parameters)

    def on_get_plan(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """What happened to an action plan and its actions."""
        parameters = media.query(req, PARAMETERS)
        uuid, shown = only_uuid(ident), call_of(req).show_deleted
        view = found("ActionPlan", uuid, self.api.reads.action_plan(uuid, show_deleted=shown))
        call_of(req).authorize(target_of(view))
        self._of(req, resp, view.uuid, parameters)

    def _of(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        aggregate: UUID,
        parameters: dict[str, str],
    ) -> None:
        limit = self._limit(parameters)
        after = _whole(parameters, "after", 0)
        rows = self.api.reads.timeline(after=after, limit=limit, aggregate_ids=[aggregate])
        self._reply(req, resp, rows, parameters, limit)

    def _limit(self, parameters: dict[str, str]) -> int:
        limit = _whole(parameters, "limit", DEFAULT_LIMIT)
        if limit < 1:
            raise Malformed("Limit must be positive")
        return min(limit, self.api.settings.max_limit)

    def _reply(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        rows: Sequence[TimelineView],
        parameters: dict[str, str],
        limit: int,
    ) -> None:
        answer: dict[str, Any] = {"events": [event(row) for row in rows]}
        if len(rows) == limit:
            following = {**parameters, "limit": str(limit), "after": str(rows[-1].position)}
            answer["next"] = f"{self.base(req)}{req.path}?{urlencode(following)}"
        media.reply(resp, answer)


def _whole(parameters: dict[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text):
        raise Malformed(f"Invalid value for {name}: {text!r} is no position or count")
    return int(text)
