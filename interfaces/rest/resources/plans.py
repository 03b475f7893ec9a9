"""Action plans and actions."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import falcon

from application.commands import plans as commands
from application.commands.plans import ActionRequest, PlanCommands
from application.ports.read_models import ActionPlanView, ActionView, Page
from application.queries.actions import actions_of_plan
from application.queries.decisions import Resource, ResourceKind, explained
from application.queries.plans import plan_explanation
from domain.kernel.errors import NotFound
from interfaces.rest import media
from interfaces.rest.call import call_of, target_of
from interfaces.rest.errors import POSITION, MalformedRequest
from interfaces.rest.lists import STANDARD, Filter, Listing
from interfaces.rest.parameters import Parameter
from interfaces.rest.resources.base import HistoricResource, found, only_uuid
from interfaces.rest.schemas import plans as schemas
from interfaces.rest.schemas.estimates import estimate
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
KINDS: tuple[ResourceKind, ...] = ("server", "host")
EXPLANATION = tuple(
    Parameter(kind, f"Only what concerns the {kind} with this id or name.", {"type": "string"})
    for kind in KINDS
)


class ActionPlansResource(HistoricResource[ActionPlanView]):
    """``/v1/action_plans``."""

    listing = PLANS
    kind = "ActionPlan"
    document = staticmethod(schemas.action_plan)

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = PlanCommands(api.commands)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Starts or cancels a plan."""
        call = call_of(req)
        patch = media.patch(req, self.api.settings.max_body)
        commands.PATCHABLE.check(patch)
        view = self.allowed(req, ident)
        done = self._commands.change(call.metadata(), view.uuid, patch)
        self.reply_written(req, resp, done)

    def on_post_start(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Starts a plan; the content of the body is ignored."""
        call = call_of(req)
        body = self.body(req)
        if body:
            media.decoded(body, object)
        view = self.allowed(req, ident)
        done = self._commands.start(call.metadata(), view.uuid, media.once(req, body))
        self.reply_written(req, resp, done)

    def on_get_start(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Answers 404: ``start`` has no representation."""
        del req, resp, ident
        raise falcon.HTTPRouteNotFound

    def on_post_return(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Requests a plan that undoes a plan; the content of the body is ignored."""
        call = call_of(req)
        body = self.body(req)
        if body:
            media.decoded(body, object)
        view = self.allowed(req, ident)
        done = self._commands.request_return(call.metadata(), view.uuid, media.once(req, body))
        view = found(self.kind, ident, self.written(resp, done, partial(self.view, req, ident)))
        media.reply(resp, self._returned(req, view))
        resp.status = 202

    def on_get_return(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """What became of the latest request for a return plan.

        Raises:
            NotFound: none was requested.
        """
        media.reply(resp, self._returned(req, self.allowed(req, ident)))

    def _returned(self, req: falcon.Request, view: ActionPlanView) -> schemas.ReturnDocument:
        if view.return_plan is None:
            raise NotFound("Return plan of ActionPlan", view.uuid)
        made = self.api.reads.action_plan(view.return_plan, show_deleted=True)
        return schemas.returned(view, made, self.options(req))

    def on_get_explanation(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """The reasons of a plan: for each move and each rejected alternative."""
        given = media.query(req, EXPLANATION)
        view = self.allowed(req, ident)
        stored = plan_explanation(self.api.records, view.uuid, view.explanation)
        wanted = [Resource(given[kind], kind) for kind in KINDS if kind in given]
        media.reply(resp, explanation(view, stored, *explained(stored, wanted)))

    def on_get_actions(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """All actions of a plan, in plan order, now or at a moment."""
        moment, call = self.moment(req), call_of(req)
        view = self.view(req, ident, past=moment is not None)
        call.authorize(target_of(view))
        if moment is None:
            shown = call.show_deleted
            rows = actions_of_plan(self.api.reads, view.uuid, show_deleted=shown)
        else:
            rows, position = self.past.actions(view.uuid, moment)
            resp.set_header(POSITION, str(position))
        options = self.options(req)
        media.reply(resp, {"actions": [schemas.action(row, options) for row in rows]})

    def on_get_estimate(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """How long a plan takes from now on, and the progress of its running actions."""
        view = self.allowed(req, ident)
        media.reply(resp, estimate(view, self.api.estimates.of(view)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Deletes a plan."""
        call = call_of(req)
        view = self.allowed(req, ident)
        self.gone(resp, self._commands.delete(call.metadata(), view.uuid))

    def key(self, ident: str) -> str:
        """The uuid that a path identifier spells."""
        return str(only_uuid(ident))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ActionPlanView]:
        """A page of the list."""
        return self.api.reads.action_plans(page, filters)

    def find(self, ident: str, *, show_deleted: bool) -> ActionPlanView | None:
        """The view of a uuid."""
        return self.api.reads.action_plan(UUID(ident), show_deleted=show_deleted)

    def at(self, view: ActionPlanView, moment: int | datetime) -> tuple[ActionPlanView, int]:
        """The plan at a moment."""
        return self.past.action_plan(view.uuid, moment)


class ActionsResource(HistoricResource[ActionView]):
    """``/v1/actions``."""

    listing = ACTIONS
    kind = "Action"
    document = staticmethod(schemas.action)

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._commands = PlanCommands(api.commands)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Skips an action, or changes the status message of a skipped one."""
        call = call_of(req)
        patch = media.patch(req, self.api.settings.max_body)
        wanted = ActionRequest.of(patch)
        if not call.at_least(PATCH_SINCE):
            raise MalformedRequest("Changing an action needs API version 1.5.")
        view = self.allowed(req, ident)
        plan, metadata = view.action_plan_uuid, call.metadata()
        done = self._commands.change_action(metadata, plan, view.uuid, wanted)
        self.reply_written(req, resp, done)

    def key(self, ident: str) -> str:
        """The uuid that a path identifier spells."""
        return str(only_uuid(ident))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ActionView]:
        """A page of the list."""
        return self.api.reads.actions(page, filters)

    def find(self, ident: str, *, show_deleted: bool) -> ActionView | None:
        """The view of a uuid."""
        return self.api.reads.action(UUID(ident), show_deleted=show_deleted)

    def at(self, view: ActionView, moment: int | datetime) -> tuple[ActionView, int]:
        """The action at a moment."""
        return self.past.action(view.action_plan_uuid, view.uuid, moment)
