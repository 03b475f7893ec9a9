import falcon

from interfaces.rest import media
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas import documents
from interfaces.rest.schemas.common import document


class HealthResource(BaseResource):
    """``/healthcheck``: liveness, and readiness of the read models."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Readiness: 200 if every projection is near the end of the log, 503 otherwise."""
        del req
        limit = self.api.settings.ready_lag
        projections = [one for one in self.api.reads.projections() if not one.building]
        ready = all(one.lag <= limit for one in projections)
        health = documents.HealthDocument(
            status="ready" if ready else "lagging",
            projections=[document(documents.ProjectionHealth, one) for one in projections],
        )
        media.reply(resp, health, 200 if ready else 503)

    def on_get_live(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Liveness: always 200."""
        del req
        media.reply(resp, documents.AliveDocument())
