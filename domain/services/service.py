from datetime import datetime
from typing import Self

from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.ids import service_id
from domain.kernel.metadata import Context
from domain.services.events import ServiceSeen, ServiceStateChanged
from domain.services.states import ServiceState


class WatchedService(Aggregate):
    """A service of Vigil on a host, and the state in which it was last seen."""

    TOPIC = "service"

    name: str
    host: str
    state: ServiceState
    last_seen_up: datetime

    @classmethod
    def see(
        cls, ctx: Context, name: str, host: str, state: ServiceState, last_seen_up: datetime
    ) -> Self:
        """Records a service that was not known."""
        return cls._new(
            ServiceSeen,
            ctx,
            service_id(name, host),
            name=name,
            host=host,
            state=state,
            last_seen_up=last_seen_up,
        )

    def see_again(self, ctx: Context, state: ServiceState, last_seen_up: datetime) -> None:
        """Records the state if it changed."""
        if state is not self.state:
            self._trigger(
                ServiceStateChanged,
                ctx,
                name=self.name,
                host=self.host,
                old_state=self.state,
                state=state,
                last_seen_up=last_seen_up,
            )

    @evolves
    def _changed(self, event: ServiceStateChanged) -> None:
        self.state, self.last_seen_up = event.state, event.last_seen_up
