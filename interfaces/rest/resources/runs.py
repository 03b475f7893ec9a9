"""The runs of audits."""

from uuid import UUID

import falcon

from application.replay.runs import RecordedRun, run_of_audit
from domain.audits.events import AuditRunRequested
from domain.kernel.errors import NotFound
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.resources.base import BaseResource, only_uuid
from interfaces.rest.schemas.verification import verification


class RunsResource(BaseResource):
    """``/v1/runs``."""

    def on_get_verification(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Repeats the decision of a run and compares it with the published plan."""
        uuid = only_uuid(ident)
        call_of(req).authorize()
        media.reply(resp, verification(self.api.verify(self._found(uuid))))

    def _found(self, uuid: UUID) -> RecordedRun:
        requests = self.api.reads.timeline(
            correlation_id=uuid, topics=(AuditRunRequested.TOPIC,), limit=1
        )
        for request in requests:
            run = run_of_audit(self.api.history, request.aggregate_id, uuid)
            if run is not None:
                return run
        raise NotFound("Run", uuid)
