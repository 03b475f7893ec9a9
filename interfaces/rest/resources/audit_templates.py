from collections.abc import Sequence

import falcon

from application.commands import patching
from application.commands.audit_templates import AuditTemplateCommands, NewTemplate
from application.ports.read_models import AuditTemplateView, Page
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.errors import MicroversionNotAcceptable
from interfaces.rest.lists import STANDARD, Filter, Listing
from interfaces.rest.resources.base import CollectionResource
from interfaces.rest.schemas import audits as schemas
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
    kind = "AuditTemplate"
    document = staticmethod(schemas.audit_template)

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = AuditTemplateCommands(api.commands, api.reads, api.ids, api.requested)

    def on_post_list(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A new template."""
        call = call_of(req)
        body = self.body(req)
        new = self._commands.resolved(media.decoded(body, NewTemplate))
        call.authorize()
        if new.default_parameters and not call.at_least(schemas.DEFAULTS_SINCE):
            raise MicroversionNotAcceptable("default_parameters need API version 1.7.")
        done = self._commands.create(call.metadata(), new, media.once(req, body))
        self.reply_created(req, resp, done)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Changes a template."""
        call = call_of(req)
        patch = self._commands.resolved_patch(media.patch(req, self.api.settings.max_body))
        view = self.allowed(req, ident)
        touches_defaults = patching.exactly(patch, "/default_parameters")
        if touches_defaults and not call.at_least(schemas.DEFAULTS_SINCE):
            raise MicroversionNotAcceptable("default_parameters need API version 1.7.")
        done = self._commands.change(call.metadata(), view.uuid, patch)
        self.reply_written(req, resp, done)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Deletes a template."""
        call = call_of(req)
        view = self.allowed(req, ident)
        self.gone(resp, self._commands.delete(call.metadata(), view.uuid))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[AuditTemplateView]:
        """A page of the list."""
        return self.api.reads.audit_templates(page, filters)

    def find(self, ident: str, *, show_deleted: bool) -> AuditTemplateView | None:
        """The view of a uuid or name."""
        return self.api.reads.audit_template(ident, show_deleted=show_deleted)
