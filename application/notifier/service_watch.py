"""Records changes of the states of services, so that they can be notified."""

import logging
import threading

from application.kernel.periodic import PeriodicJob
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.services import ServiceRegistry, ServiceRow
from domain.kernel.ids import service_id
from domain.kernel.metadata import Context, Metadata
from domain.services import ServiceState, WatchedService

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Name and host of a service."""


class ServiceWatch:
    """Compares the states of services with those in the log, and appends what changed.

    Any number may run: of two that see the same change, one appends it. A service counts as failed
    when it is down at two looks in succession, so a restart is no failure.

    Args:
        services: the heartbeats.
        commands: appends the changes.
        metadata: of the events.
        interval: seconds between two looks.
        clock: measures outages.
    """

    def __init__(
        self,
        services: ServiceRegistry,
        commands: Commands,
        metadata: Metadata,
        *,
        interval: float,
        clock: Clock,
    ) -> None:
        self._services = services
        self._commands = commands
        self._metadata = metadata
        self._known: dict[Key, ServiceState] = {}
        self._down: set[Key] = set()
        self._job = PeriodicJob(
            log, "services are not watched", self.look, interval=interval, clock=clock
        )

    def run(self, stop: threading.Event) -> None:
        """Looks until ``stop`` is set."""
        self._job.run(stop)

    def look(self) -> None:
        """Looks once."""
        rows = self._services.rows()
        down = {(row.name, row.host) for row in rows if not row.alive}
        for row in rows:
            key = row.name, row.host
            if key in down and key not in self._down:
                continue  # perhaps it is just starting again
            state = ServiceState.FAILED if key in down else ServiceState.ACTIVE
            if self._known.get(key) is not state:
                self._record(row, state)
                self._known[key] = state
        self._down = down

    def _record(self, row: ServiceRow, state: ServiceState) -> None:
        def decide(transaction: Transaction, ctx: Context) -> None:
            found = transaction.find(WatchedService, service_id(row.name, row.host))
            if found is None:
                seen = WatchedService.see(ctx, row.name, row.host, state, row.last_seen_up)
                transaction.add(seen)
            else:
                found.see_again(ctx, state, row.last_seen_up)

        self._commands.run(self._metadata, decide)
