import falcon

from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.resources.base import BaseResource


class OverviewResource(BaseResource):
    """``/v1/overview``: what the first screen of a viewer shows."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The state of the installation, and whether it is well."""
        call_of(req).authorize()
        media.reply(resp, self.api.overview())
