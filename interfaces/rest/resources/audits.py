from collections.abc import Sequence
from datetime import datetime

import falcon
import msgspec

from application.commands import audits as commands
from application.commands.audits import AuditCommands
from application.ports.read_models import AuditView, Page
from application.queries.audits import current
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.errors import MalformedRequest, MicroversionNotAcceptable
from interfaces.rest.lists import STANDARD, Filter, Listing
from interfaces.rest.resources.base import BaseResource, HistoricResource, as_name, found
from interfaces.rest.schemas import audits as schemas
from interfaces.rest.services import RestServices

LISTING = Listing(
    "audits",
    STANDARD
    | {"name", "audit_type", "state", "parameters", "interval", "scope", "goal_id", "strategy_id"}
    | {"auto_trigger", "next_run_time", "hostname", "start_time", "end_time", "force"}
    | {"status_message", "goal_uuid", "goal_name", "strategy_uuid", "strategy_name"},
    {"goal": Filter.NAME, "strategy": Filter.NAME},
)


class AuditsResource(HistoricResource[AuditView]):
    """``/v1/audits``."""

    listing = LISTING
    kind = "Audit"
    document = staticmethod(schemas.audit)

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = AuditCommands(
            api.commands, api.reads, api.ids, api.cron, api.requested, api.settings.zone
        )

    def on_post_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A new audit."""
        call = call_of(req)
        body = self.body(req)
        new = media.decoded(body, commands.NewAudit)
        call.authorize()
        new.check()
        if new.timed and not call.at_least(schemas.TIMES_SINCE):
            raise MicroversionNotAcceptable("start_time and end_time need API version 1.1.")
        done = self._commands.create(call.metadata(), new, media.once(req, body))
        self.reply_created(req, resp, done)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Changes an audit."""
        call = call_of(req)
        patch = media.patch(req, self.api.settings.max_body)
        commands.PATCHABLE.check(patch)
        view = self.allowed(req, ident)
        done = self._commands.change(call.metadata(), view.uuid, patch)
        self.reply_written(req, resp, done)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Deletes an audit."""
        call = call_of(req)
        view = self.allowed(req, ident)
        self.gone(resp, self._commands.delete(call.metadata(), view.uuid))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[AuditView]:
        """A page of the list."""
        now = self.api.clock.now()
        return [current(one, now, self.api.cron) for one in self.api.reads.audits(page, filters)]

    def find(self, ident: str, *, show_deleted: bool) -> AuditView | None:
        """The view of a uuid or name."""
        found = self.api.reads.audit(ident, show_deleted=show_deleted)
        return found and current(found, self.api.clock.now(), self.api.cron)

    def at(self, view: AuditView, moment: int | datetime) -> tuple[AuditView, int]:
        """The audit at a moment."""
        found, position = self.past.audit(view.uuid, moment)
        if isinstance(moment, datetime):
            found = current(found, moment, self.api.cron)
        return found, position


class WebhooksResource(BaseResource):
    """``/v1/webhooks``."""

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = AuditCommands(
            api.commands, api.reads, api.ids, api.cron, api.requested, api.settings.zone
        )

    def on_post(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Triggers a run of an EVENT audit."""
        call = call_of(req)
        body = self.body(req)
        media.decoded(body, msgspec.Raw)
        call.authorize()
        audit = self.api.reads.audit(as_name(ident), show_deleted=call.show_deleted)
        view = found("Audit", ident, audit)
        done = self._commands.trigger(call.metadata(), view.uuid, media.once(req, body))
        self.written(resp, done, lambda: None)
        media.nothing(resp, 202)

    def on_post_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answers 400: the audit is missing."""
        del resp
        call_of(req).authorize()
        raise MalformedRequest("Missing argument: the audit to trigger.")
