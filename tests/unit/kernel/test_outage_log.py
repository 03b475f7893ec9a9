import logging
import threading
from typing import cast

import pytest

from application.kernel.outage_log import OutageLog
from application.ports.projections import StoreUnavailable
from application.ports.services import Instance, ServiceRegistry
from application.workers.heartbeat import Heartbeat
from infrastructure.clock import SystemClock

LOG = logging.getLogger("test")
AWAY = StoreUnavailable("db: connection refused\n\tIs the server running?")


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_an_outage_is_told_once_then_each_minute_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    now = Hands()
    outage = OutageLog(LOG, "nothing is done", now)
    for second in range(130):
        now.at = float(second)
        outage.failed(AWAY)
    outage.over()
    outage.over()
    outage.failed(AWAY)
    assert caplog.messages == [
        "nothing is done: db: connection refused Is the server running?",
        "nothing is done, for 60 s now: db: connection refused Is the server running?",
        "nothing is done, for 120 s now: db: connection refused Is the server running?",
        "nothing is done: over after 129 s",
        "nothing is done: db: connection refused Is the server running?",
    ]
    assert not caplog.records[0].exc_info


class Away:
    """Services whose database comes back after some beats."""

    def __init__(self, failures: int, done: threading.Event) -> None:
        self.failures, self.done = failures, done

    def beat(self, instance: Instance) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise AWAY
        self.done.set()

    def retire(self, instance_id: str) -> None:
        """Nothing to do."""


def test_heartbeats_that_the_database_does_not_take_are_no_tracebacks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each beat of an outage was a traceback of a hundred lines in the log of every worker."""
    caplog.set_level("INFO")
    stop = threading.Event()
    me = Instance("engine/1", "watcher-decision-engine", "here", 1, "", "")
    heart = Heartbeat(
        cast("ServiceRegistry", Away(5, stop)), me, SystemClock(), interval=0.001, limit=5.0
    )
    heart.run(stop)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert not any(record.exc_info for record in caplog.records)
    assert heart.fresh()
