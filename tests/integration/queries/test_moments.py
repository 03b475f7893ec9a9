"""The position at a time, although the clocks of hosts differ."""

from datetime import timedelta
from random import Random

from application.ports.event_log import RecordedEvent
from application.replay.moments import SKEW, position_at
from domain.audits import Audit
from domain.kernel.metadata import Context
from infrastructure.event_log import SqlEventLog
from tests.given import NOON, context, ident
from tests.world.values import definition


def test_it_is_that_of_the_last_event_which_is_not_later(event_log: SqlEventLog) -> None:
    random = Random(7)
    for number in range(60):
        wrong = timedelta(seconds=random.uniform(0, SKEW.total_seconds()))
        ctx = Context(NOON + number * timedelta(minutes=2) - wrong, context().metadata)
        event_log.save(Audit.request(ctx, ident(number + 1), definition(name=str(number))))
    found = [one for one in event_log.read(0, 1000) if isinstance(one, RecordedEvent)]
    times = [one.event.timestamp for one in found]
    for moment in (*times, *(one + timedelta(seconds=1) for one in times), NOON - 2 * SKEW):
        wanted = [one.position for one in found if one.event.timestamp <= moment]
        assert position_at(event_log, moment) == max(wanted, default=0), moment
    assert position_at(event_log, 5) == 5
    assert position_at(event_log, 10**6) == event_log.end()
