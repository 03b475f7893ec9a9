"""The REST API under load, beside the least that Falcon on gunicorn can do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import requests

from domain.audits import Audit, AuditDefinition, AuditType
from domain.kernel.metadata import Context, Metadata, component
from infrastructure.clock import SystemClock
from infrastructure.event_log import open_event_log
from interfaces.rest.serving.server import ServerSettings
from tests.benchmarks.cpu import settle
from tests.benchmarks.ground import DATABASES, await_catalogue, ground
from tests.benchmarks.http_load import CONNECTIONS, SECONDS, UNIQUE, Answers, Load, ask
from tests.benchmarks.report import Cell, Table
from tests.faults.crash.installation import Installation, eventually
from tests.ports import free_port

AUDITS = 1000
BATCH = 100
WORKERS = (1, 4)
GOAL = "server_consolidation"
COLUMNS = (
    "request",
    "database",
    "workers",
    "requests/s",
    "of hello world, %",
    "p50, ms",
    "p99, ms",
    "alone: p50, ms",
    "alone: p99, ms",
    "server CPU, ms/request",
    "client CPU, ms/request",
    "requests",
)


@dataclass(frozen=True)
class Counts:
    """Requests per measurement, at most."""

    hello: int = 8000
    single: int = 4000
    lists: int = 200
    posts: int = 800
    seconds: float = SECONDS


@dataclass(frozen=True)
class Server:
    """A server under load.

    Attributes:
        groups: the process groups whose CPU time is its own.
    """

    port: int
    database: str
    workers: int
    groups: tuple[int, ...]


def run(*, quick: bool = False) -> Table:
    """Requests per second and waiting times, for each number of workers and each database."""
    counts = Counts(400, 100, 10, 50, 2.0) if quick else Counts()
    floors: dict[int, float] = {}
    rows: list[tuple[Cell, ...]] = []
    for workers in WORKERS:
        with hello(workers) as server:
            load = Load(server.port, "GET", ["/"], counts.hello, seconds=counts.seconds)
            answers, row = _measured("hello world", server, load, None)
            floors[workers] = _rate(answers)
            rows.append(row)
    for kind in DATABASES:
        with ground(kind, {}) as place:
            audits = fill(place.installation, place.database)
            for workers in WORKERS:
                with api(place.installation, kind, workers) as server:
                    for name, load in loads(server.port, audits, counts):
                        rows.append(_measured(name, server, load, floors[workers])[1])
    return Table("The REST API", COLUMNS, tuple(rows), _notes(counts))


def loads(port: int, audits: list[UUID], counts: Counts) -> Iterator[tuple[str, Load]]:
    """What is asked of the API, by name."""
    get = Load(port, "GET", [f"/v1/audits/{audit}" for audit in audits], counts.single)
    get = replace(get, seconds=counts.seconds)
    yield "GET one audit", get
    page = [f"/v1/audits/detail?limit={AUDITS}"]
    yield f"GET {AUDITS} audits", replace(get, paths=page, requests=counts.lists, warming=1)
    body = json.dumps({"audit_type": "ONESHOT", "goal": GOAL, "name": f"b-{UNIQUE}"})
    yield (
        "POST an audit",
        replace(
            get, method="POST", paths=["/v1/audits"], requests=counts.posts, status=201, body=body
        ),
    )


@contextmanager
def hello(workers: int) -> Iterator[Server]:
    """A running hello world."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"),
            *("--workers", str(workers), "--threads", str(ServerSettings().threads)),
            *("--worker-class", "gthread", "--no-control-socket", "--log-level", "warning"),
            "tests.benchmarks.hello:create()",
        ],
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    try:
        eventually("hello world", partial(_answered, f"http://127.0.0.1:{port}/"))
        settle([process.pid])
        yield Server(port, "none", workers, (process.pid,))
    finally:
        process.terminate()
        process.wait()


def fill(installation: Installation, database: str) -> list[UUID]:
    """Registers goals and has audits requested; returns their ids once the projector shows them.

    Nothing is left running that would work on them.
    """
    installation.start("projector", "decision-engine", "api")
    await_catalogue(installation)
    installation.kill("decision-engine")
    ids = [uuid4() for _ in range(AUDITS)]
    log, clock = open_event_log(database), SystemClock()
    try:
        for begin in range(0, AUDITS, BATCH):
            ctx = Context(clock.now(), Metadata(component("benchmark")))
            log.save(*(_audit(ctx, audit) for audit in ids[begin : begin + BATCH]))
    finally:
        log.close()
    eventually("all audits are shown", partial(_shown, installation, ids[-1]))
    installation.kill("api")
    return ids


@contextmanager
def api(installation: Installation, database: str, workers: int) -> Iterator[Server]:
    """The API with some workers."""
    installation.set("api.workers", str(workers))
    installation.start("api")
    try:
        await_catalogue(installation)
        settle(installation.groups)
        yield Server(installation.port, database, workers, tuple(installation.groups))
    finally:
        installation.kill("api")


def _audit(ctx: Context, audit: UUID) -> Audit:
    definition = AuditDefinition(f"audit-{audit}", AuditType.ONESHOT, GOAL, None, {}, [])
    return Audit.request(ctx, audit, definition)


def _shown(installation: Installation, audit: UUID) -> bool | None:
    return _answered(f"{installation.url}/v1/audits/{audit}")


def _answered(url: str) -> bool | None:
    try:
        return requests.get(url, timeout=5).ok or None
    except (requests.ConnectionError, requests.Timeout):
        return None


def _measured(
    name: str, server: Server, load: Load, floor: float | None
) -> tuple[Answers, tuple[Cell, ...]]:
    answers = ask(replace(load, groups=server.groups))
    alone = ask(replace(load, connections=1, seconds=load.seconds / 4))
    share: Cell = "" if floor is None else 100 * _rate(answers) / floor
    row = (
        name,
        server.database,
        float(server.workers),
        _rate(answers),
        share,
        1000 * answers.p50,
        1000 * answers.p99,
        1000 * alone.p50,
        1000 * alone.p99,
        1000 * answers.server_cpu / answers.requests,
        1000 * answers.own_cpu / answers.requests,
        float(answers.requests),
    )
    return answers, row


def _rate(answers: Answers) -> float:
    return answers.requests / answers.wall


def _notes(counts: Counts) -> tuple[str, ...]:
    load = (
        f"{CONNECTIONS} connections that are kept, each asking again as soon as it was answered, "
        f"for at most {counts.seconds:g} s: p50 and p99 are those of a busy server, most of it is "
        "waiting for one's turn. *Alone* is one connection. gunicorn with threads, as the product "
        "configures it."
    )
    floor = "*Hello world* is an empty Falcon application on the same gunicorn, in the same run."
    requests = (
        f"The list is a page of {AUDITS:,} audits with details; single audits are taken in turn. "
        "A POST makes a new audit and is answered when the read models show it; nothing runs it."
    )
    cpu = (
        "Server CPU is of the API and, where there is one, of the projector; without PostgreSQL. "
        "The client is one process, on the same cores."
    )
    return load, floor, requests, cpu
