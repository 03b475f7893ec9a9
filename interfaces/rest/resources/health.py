from collections.abc import Sequence

import falcon

from application.kernel.actuation import actuation_view
from application.ports.event_log import EventLogUnavailable, UnreadableEvent
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ProjectionStatus
from interfaces.rest import media
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas import documents
from interfaces.rest.schemas.actuation import SwitchState, switch_state
from interfaces.rest.schemas.common import document
from interfaces.rest.schemas.documents import HealthProblem, HealthStatus
from interfaces.rest.services import RestServices


class HealthResource(BaseResource):
    """``/healthcheck``: liveness, and readiness of this process and of what it depends on."""

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._goal: int | None = None
        self._caught_up = False

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Readiness: 200 if requests can be answered, 503 otherwise.

        A cloud that cannot be read degrades the service: what is stored can still be read.
        """
        del req
        problems, projections = self._database()
        identity = self.api.identity_problem()
        if identity is not None:
            problems.append(HealthProblem(part="identity", problem=identity))
        status = self._status(problems, projections)
        if not any(one.part == "database" for one in problems):
            cloud = self.api.cloud_problem()
            if cloud is not None:
                problems.append(HealthProblem(part="cloud", problem=cloud))
        health = documents.HealthDocument(
            status="degraded" if status == "ready" and problems else status,
            problems=problems,
            actuation=self._actuation(),
            projections=[document(documents.ProjectionHealth, one) for one in projections],
        )
        media.reply(resp, health, 200 if status == "ready" else 503)

    def on_get_live(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Liveness: always 200."""
        del req
        media.reply(resp, documents.AliveDocument())

    def _actuation(self) -> SwitchState | None:
        try:
            return switch_state(actuation_view(self.api.history))
        except (EventLogUnavailable, UnreadableEvent):
            return None

    def _database(self) -> tuple[list[HealthProblem], list[ProjectionStatus]]:
        """The problems of the database, and the active projections."""
        found: list[ProjectionStatus] = []
        try:
            found = [one for one in self.api.reads.projections() if not one.building]
            self.api.check_writable()
        except (StoreUnavailable, EventLogUnavailable):
            problem = "the database does not answer, or refuses to write"
            return [HealthProblem(part="database", problem=problem)], found
        return [], found

    def _status(
        self, problems: Sequence[HealthProblem], projections: Sequence[ProjectionStatus]
    ) -> HealthStatus:
        if problems:
            return "unusable"
        return "ready" if projections and self._keeps_up(projections) else "lagging"

    def _keeps_up(self, projections: Sequence[ProjectionStatus]) -> bool:
        """Whether the read models are near the end of the log.

        At first they must have reached the end that the log had at the first question: after a
        start they may show nothing, although they are only a few events behind.
        """
        if self._goal is None:
            self._goal = max((one.position + one.lag for one in projections), default=0)
        self._caught_up = self._caught_up or all(one.position >= self._goal for one in projections)
        return self._caught_up and all(
            one.lag <= self.api.settings.ready_lag and (one.position or not one.lag)
            for one in projections
        )
