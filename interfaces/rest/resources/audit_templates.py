from collections.abc import Sequence
from typing import Any
from uuid import UUID

import falcon

from application.commands import patching
from application.commands.audit_templates import AuditTemplateCommands, NewTemplate
from application.kernel.unit_of_work import CommandResult
from application.ports.read_models import AuditTemplateView, Page
from interfaces.rest import media
from interfaces.rest.call import call_of, target_of
from interfaces.rest.errors import MicroversionNotAcceptable
from interfaces.rest.lists import STANDARD, Filter, Listing
from interfaces.rest.resources.base import CollectionResource, as_name, found
from interfaces.rest.schemas import audits as schemas
from interfaces.rest.schemas.common import ViewOptions
from interfaces.rest.services import RestServices

LISTING = Listing(
    "audit_templates",
    STANDARD
    | {"name", "description", "scope", "default_parameters", "goal_id", "strategy_id"}
    | {"goal_uuid", "goal_name", "strategy_uuid", "strategy_name"},
    {"goal": Filter.NAME, "strategy": Filter.NAME},
)


class AuditTemplatesResource(CollectionResource[AuditTemplateView]):
    """``/v1/audit_templates``."""

    listing = LISTING

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = AuditTemplateCommands(api.commands, api.reads, api.ids)

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One template."""
        view = self._view(req, ident)
        call_of(req).authorize(target_of(view))
        media.reply(resp, schemas.audit_template(view, self.options(req)))

    def on_post_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A new template."""
        call = call_of(req)
        body = self.body(req)
        new = self._commands.resolved(media.decoded(body, NewTemplate))
        call.authorize()
        if new.default_parameters and not call.at_least(schemas.DEFAULTS_SINCE):
            raise MicroversionNotAcceptable("default_parameters need API version 1.7.")
        once = media.once(req, body)
        done = self._commands.create(call.metadata(), new, once)
        shown = schemas.audit_template(self._stored(req, resp, done), self.options(req))
        self.created(req, resp, "audit_templates", done.value, shown)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Changes a template."""
        call = call_of(req)
        patch = self._commands.resolved_patch(media.patch(req, self.api.settings.max_body))
        view = self._view(req, ident)
        call.authorize(target_of(view))
        touches_defaults = patching.exactly(patch, "/default_parameters")
        if touches_defaults and not call.at_least(schemas.DEFAULTS_SINCE):
            raise MicroversionNotAcceptable("default_parameters need API version 1.7.")
        done = self._commands.change(call.metadata(), view.uuid, patch)
        media.reply(resp, schemas.audit_template(self._stored(req, resp, done), self.options(req)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Deletes a template."""
        call = call_of(req)
        view = self._view(req, ident)
        call.authorize(target_of(view))
        self.gone(resp, self._commands.delete(call.metadata(), view.uuid))

    def _view(self, req: falcon.Request, ident: str) -> AuditTemplateView:
        shown = call_of(req).show_deleted
        view = self.api.reads.audit_template(as_name(ident), show_deleted=shown)
        return found("AuditTemplate", ident, view)

    def _stored(
        self, req: falcon.Request, resp: falcon.Response, done: CommandResult[UUID]
    ) -> AuditTemplateView:
        ident, find = str(done.value), self.api.reads.audit_template
        view = self.stored(req, resp, done, lambda shown: find(ident, show_deleted=shown))
        return found("AuditTemplate", ident, view)

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[AuditTemplateView]:
        """A page of the list."""
        return self.api.reads.audit_templates(page, filters)

    def shown(self, view: AuditTemplateView, options: ViewOptions) -> Any:
        """A row as the response shows it."""
        return schemas.audit_template(view, options)
