import falcon

from application.commands.actuation import switch_actuation
from application.kernel.actuation import actuation_view
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas.actuation import ActuationRequest, actuation


class ActuationResource(BaseResource):
    """``/v1/actuation``: the switch that stops all changes to the cloud."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The switch, and who changed it when and why."""
        call_of(req).authorize()
        media.reply(resp, actuation(actuation_view(self.api.history)))

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Switches it off or on."""
        call = call_of(req)
        call.authorize()
        wanted = media.decoded(self.body(req), ActuationRequest)
        on = wanted.state == "on"
        done = switch_actuation(self.api.commands, call.metadata(), wanted.reason, on=on)
        self.written(resp, done, lambda: None)
        media.reply(resp, actuation(actuation_view(self.api.history)))
