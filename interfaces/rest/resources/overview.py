import falcon

from application.replay.past_overview import PastOverview
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.errors import POSITION
from interfaces.rest.resources.base import BaseResource


class OverviewResource(BaseResource):
    """``/v1/overview``: what the first screen of a viewer shows."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The state of the installation, and whether it is well; or its state at a moment."""
        moment = self.moment(req)
        call_of(req).authorize()
        view = self.api.overview()
        if moment is not None:
            view = PastOverview(self.api.history, self.api.reads, self.past, self.api.cron).at(
                moment, view
            )
            resp.set_header(POSITION, str(view.end))
        media.reply(resp, view)
