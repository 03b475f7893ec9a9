"""Commands of many threads and processes on one aggregate: no update is lost, none is doubled."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from application.kernel.unit_of_work import Commands, IdempotencyKey, Transaction
from application.ports.event_log import ConcurrencyConflict, EventLog
from domain.kernel.metadata import Context, Metadata, component
from infrastructure.event_log import SqlEventLog, open_event_log
from tests.conformance.event_log.counters import CLOCK, NEW, Counter, loaded, opened

TIMES = 15


def increment(log: EventLog, counter_id: UUID, name: str) -> None:
    """Adds 1 to a counter, several times; a command that lost five races is given again."""

    def decide(transaction: Transaction, ctx: Context) -> None:
        transaction.get(Counter, counter_id).add(ctx)

    commands = Commands(log, CLOCK)
    done = 0
    while done < TIMES:
        try:
            commands.run(Metadata(component("worker", name), f"req-{name}-{done}"), decide)
        except ConcurrencyConflict:
            continue
        done += 1


def test_threads_lose_no_update(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log)
    with ThreadPoolExecutor(4) as pool:
        for working in [
            pool.submit(increment, event_log, counter_id, str(number)) for number in range(4)
        ]:
            working.result(60)
    assert loaded(event_log, counter_id).total == 4 * TIMES
    assert [entry.version for entry in event_log.history(counter_id)] == list(
        range(1, 4 * TIMES + 2)
    )


def test_processes_lose_no_update(event_log: SqlEventLog, event_database: str) -> None:
    counter_id = opened(event_log)
    program = [sys.executable, "-m", __name__, event_database, str(counter_id)]
    root = Path(__file__).parents[3]
    workers = [subprocess.Popen([*program, str(number)], cwd=root) for number in range(3)]
    increment(event_log, counter_id, "here")
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert loaded(event_log, counter_id).total == 4 * TIMES


def test_a_command_given_many_times_at_once_is_carried_out_once(event_log: SqlEventLog) -> None:
    def decide(transaction: Transaction, ctx: Context) -> UUID:
        counter = Counter.open(ctx, NEW.new())
        transaction.add(counter)
        return counter.id

    def give(number: int) -> UUID:
        who = Metadata(component("api", str(number)), f"req-{number}")
        return Commands(event_log, CLOCK).run(who, decide, IdempotencyKey("k-1", "open")).value

    with ThreadPoolExecutor(6) as pool:
        results = set(pool.map(give, range(12)))
    assert len(results) == 1
    born = [e for e in event_log.read(0, 100) if e.topic == "test.counter-opened"]
    assert [entry.aggregate_id for entry in born] == list(results)


def main(arguments: Sequence[str]) -> None:
    """A worker process: URL, counter, its own name."""
    url, counter_id, name = arguments
    log = open_event_log(url)
    increment(log, UUID(counter_id), name)
    log.close()


if __name__ == "__main__":
    main(sys.argv[1:])
