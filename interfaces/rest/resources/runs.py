"""The runs of audits."""

from uuid import UUID

import falcon

from application.kernel.errors import NothingThen
from application.replay.runs import RecordedRun, proposed, run_of_audit, run_of_plan
from domain.audits.events import AuditRunRequested
from domain.kernel.errors import NotFound
from domain.plans.events import PlanProposed
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.resources.base import BaseResource, only_uuid
from interfaces.rest.schemas.forks import VariationRequest, fork
from interfaces.rest.schemas.verification import verification


class RunsResource(BaseResource):
    """``/v1/runs``."""

    def on_get_verification(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Repeats the decision of a run and compares it with the published plan."""
        uuid = only_uuid(ident)
        call_of(req).authorize()
        media.reply(resp, verification(self.api.decisions.verify(self._found(uuid))))

    def on_post_whatif(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Decides again with a change, and compares the two plans; nothing is stored."""
        uuid = only_uuid(ident)
        wanted = media.decoded(self.body(req), VariationRequest).variation()
        call_of(req).authorize()
        run = self._found(uuid)
        plan = None if run.plan is None else proposed(self.api.history, run.plan)
        if plan is None or not plan.record:
            raise NothingThen(f"Run {uuid} published no plan that a strategy computed.")
        media.reply(resp, fork(self.api.decisions.fork(plan, wanted)))

    def _found(self, uuid: UUID) -> RecordedRun:
        topics = (AuditRunRequested.TOPIC, PlanProposed.TOPIC)  # a return plan has no request
        log = self.api.history
        for entry in self.api.reads.timeline(correlation_id=uuid, topics=topics, limit=1):
            owner = entry.aggregate_id
            run = run_of_plan(log, owner) or run_of_audit(log, owner, uuid)
            if run is not None:
                return run
        raise NotFound("Run", uuid)
