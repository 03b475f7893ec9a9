"""Action plans and actions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import falcon

from application.commands import plans as commands
from application.commands.plans import ActionRequest, PlanCommands
from application.kernel.unit_of_work import CommandResult
from application.ports.read_models import ActionPlanView, ActionView, Page
from application.queries.plans import plan_explanation
from interfaces.rest import media
from interfaces.rest.call import call_of, target_of
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.lists import STANDARD, Filter, Listing
from interfaces.rest.resources.base import CollectionResource, as_of, found, only_uuid
from interfaces.rest.schemas import plans as schemas
from interfaces.rest.schemas.common import ViewOptions
from interfaces.rest.schemas.explanations import explanation
from interfaces.rest.services import RestServices

PLANS = Listing(
    "action_plans",
    STANDARD
    | {"audit_id", "strategy_id", "state", "global_efficacy", "hostname", "status_message"}
    | {"audit_uuid", "strategy_uuid", "strategy_name"},
    {"audit_uuid": Filter.UUID, "strategy": Filter.NAME},
)
ACTIONS = Listing(
    "actions",
    STANDARD
    | {"action_plan_id", "action_type", "input_parameters", "state", "parents"}
    | {"status_message", "action_plan_uuid"},
    {"action_plan_uuid": Filter.UUID, "audit_uuid": Filter.UUID},
    exclusive=frozenset({"action_plan_uuid", "audit_uuid"}),
)
PATCH_SINCE = 5


class ActionPlansResource(CollectionResource[ActionPlanView]):
    """``/v1/action_plans``."""

    listing = PLANS

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = PlanCommands(api.commands)

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One plan."""
        moment = self.moment(req)
        view = self._view(req, ident, whenever=moment is not None)
        call_of(req).authorize(target_of(view))
        if moment is not None:
            then = self.past.action_plan(view.uuid, moment)
            view = as_of(req, resp, "ActionPlan", ident, then)
        media.reply(resp, schemas.action_plan(view, self.options(req)))

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Starts or cancels a plan."""
        call = call_of(req)
        patch = media.patch(req, self.api.settings.max_body)
        commands.PATCHABLE.check(patch)
        view = self._view(req, ident)
        call.authorize(target_of(view))
        done = self._commands.change(call.metadata(), view.uuid, patch)
        media.reply(resp, schemas.action_plan(self._stored(req, resp, done), self.options(req)))

    def on_post_start(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Starts a plan; the content of the body is ignored."""
        call = call_of(req)
        body = self.body(req)
        if body:
            media.decoded(body, object)
        view = self._view(req, ident)
        call.authorize(target_of(view))
        done = self._commands.start(call.metadata(), view.uuid, media.once(req, body))
        media.reply(resp, schemas.action_plan(self._stored(req, resp, done), self.options(req)))

    def on_get_start(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Answers 404: ``start`` has no representation."""
        del req, resp, ident
        raise falcon.HTTPRouteNotFound

    def on_get_explanation(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """The reasons of a plan: for each move and each rejected alternative."""
        view = self._view(req, ident)
        call_of(req).authorize(target_of(view))
        media.reply(resp, explanation(view, plan_explanation(self.api.records, view)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Deletes a plan."""
        call = call_of(req)
        view = self._view(req, ident)
        call.authorize(target_of(view))
        self.gone(resp, self._commands.delete(call.metadata(), view.uuid))

    def _view(self, req: falcon.Request, ident: str, *, whenever: bool = False) -> ActionPlanView:
        uuid = only_uuid(ident)
        shown = whenever or call_of(req).show_deleted
        return found("ActionPlan", uuid, self.api.reads.action_plan(uuid, show_deleted=shown))

    def _stored(
        self, req: falcon.Request, resp: falcon.Response, done: CommandResult[UUID]
    ) -> ActionPlanView:
        ident, find = done.value, self.api.reads.action_plan
        view = self.stored(req, resp, done, lambda shown: find(ident, show_deleted=shown))
        return found("ActionPlan", ident, view)

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ActionPlanView]:
        """A page of the list."""
        return self.api.reads.action_plans(page, filters)

    def shown(self, view: ActionPlanView, options: ViewOptions) -> Any:
        """A row as the response shows it."""
        return schemas.action_plan(view, options)


class ActionsResource(CollectionResource[ActionView]):
    """``/v1/actions``."""

    listing = ACTIONS

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = PlanCommands(api.commands)

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One action."""
        moment = self.moment(req)
        view = self._view(req, ident, whenever=moment is not None)
        call_of(req).authorize(target_of(view))
        if moment is not None:
            then = self.past.action(view.action_plan_uuid, view.uuid, moment)
            view = as_of(req, resp, "Action", ident, then)
        media.reply(resp, schemas.action(view, self.options(req)))

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Skips an action, or changes the status message of a skipped one."""
        call = call_of(req)
        patch = media.patch(req, self.api.settings.max_body)
        wanted = ActionRequest.of(patch)
        if not call.at_least(PATCH_SINCE):
            raise MalformedRequest("Changing an action needs API version 1.5.")
        view = self._view(req, ident)
        call.authorize(target_of(view))
        plan, metadata = view.action_plan_uuid, call.metadata()
        done = self._commands.change_action(metadata, plan, view.uuid, wanted)
        find = self.api.reads.action
        stored = self.stored(req, resp, done, lambda shown: find(view.uuid, show_deleted=shown))
        media.reply(resp, schemas.action(found("Action", ident, stored), self.options(req)))

    def _view(self, req: falcon.Request, ident: str, *, whenever: bool = False) -> ActionView:
        uuid = only_uuid(ident)
        shown = whenever or call_of(req).show_deleted
        return found("Action", uuid, self.api.reads.action(uuid, show_deleted=shown))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ActionView]:
        """A page of the list."""
        return self.api.reads.actions(page, filters)

    def shown(self, view: ActionView, options: ViewOptions) -> Any:
        """A row as the response shows it."""
        return schemas.action(view, options)
