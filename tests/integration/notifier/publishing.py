"""A notifier at work in this process, on real databases."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from application.notifier.publisher import Publisher
from application.notifier.transport_claim import TransportClaim
from application.ports.event_log import EventLog
from application.ports.notifier import Transport
from application.ports.services import Instance
from application.workers.counting import CountBuffer
from infrastructure.clock import SystemClock
from infrastructure.read_models import SqlPoisonBoard, SqlTransportPositions, this_instance
from tests.conformance.notifier.consumers import SECRET
from tests.world.boards import ReferenceCounterBoard
from tests.world.notifications import composer
from tests.world.world import World

CLOCK = SystemClock()
ME = this_instance("vigil-notifier", host="ctl-1")
"""This process."""
OTHER = replace(ME, id="vigil-notifier/ctl-1/other")
"""Another notifier, which lives as long as this process."""


def words(options: dict[str, str]) -> list[str]:
    """Options as arguments of a command."""
    return [word for name, value in options.items() for word in ("--set", f"{name}={value}")]


def webhooks(folder: Path, **urls: str) -> dict[str, str]:
    """The options of an installation with some webhooks: name → URL."""
    return {
        "vigil.data_dir": str(folder),
        "vigil.webhooks": ",".join(f"{name}:{url}" for name, url in urls.items()),
        "vigil.webhook_secrets": ",".join(f"{name}:{SECRET}" for name in urls),
    }


def until(condition: Callable[[], object], what: str, patience: float = 30.0) -> None:
    """Waits for a condition with a deadline."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Notifier:
    """A notifier with one transport.

    Args:
        world: its databases.
        transport: the transport.
        me: the notifier as a service.
        log: the event log, if not that of the world.
    """

    def __init__(
        self,
        world: World,
        transport: Transport,
        *,
        me: Instance = ME,
        log: EventLog | None = None,
    ) -> None:
        self.positions = SqlTransportPositions(world.views_engine)
        self.board = SqlPoisonBoard(world.views_engine)
        self.counted = ReferenceCounterBoard()
        self._transport = transport
        self._counters = CountBuffer(self.counted, CLOCK)
        world.services.beat(me)
        read = log or world.log
        self._publisher = Publisher(
            read,
            TransportClaim(self.positions, world.services, transport.name, me.id),
            composer(read),
            transport,
            board=self.board,
            counters=self._counters,
            clock=CLOCK,
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Sends during a block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._publisher.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive()
            self._counters.flush()

    @property
    def failures(self) -> int:
        """Attempts that failed since the last one that did not."""
        return self._publisher._failures

    def start_at(self, position: int, holder: Instance = ME) -> None:
        """Stores the first position."""
        self.positions.create(self._transport.name, position, holder.id)

    def position(self) -> int:
        """The stored position."""
        found = self.positions.find(self._transport.name)
        return -1 if found is None else found.position

    def totals(self) -> dict[str, int]:
        """Outcome → number."""
        return {one.outcome: one.count for one in self.counted.rows()}
