"""The loop as a user waits for it: a whole installation as processes, beside a simulated cloud."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import openstack
import requests

from application.ports.event_log import RecordedEvent
from domain.audit_templates import AuditTemplate
from domain.kernel.metadata import Context, Metadata, component
from infrastructure.clock import SystemClock
from infrastructure.event_log import SqlEventLog, open_event_log
from tests.benchmarks.cpu import cpu_seconds
from tests.benchmarks.ground import (
    DATABASES,
    HOSTS,
    SERVERS,
    SPEED,
    Ground,
    await_catalogue,
    ground,
)
from tests.benchmarks.report import Cell, Table
from tests.benchmarks.samples import quantile
from tests.faults.crash.installation import ROLES, eventually

T = TypeVar("T")
GOAL = "server_consolidation"
OPTIONS = {"nova.migration_interval": "0.2"}
"""All else is as `vigil up` has it."""
EVERYTHING = tuple(dict.fromkeys((*ROLES, "collector")))
"""The roles of `vigil up`."""
POLL = 0.01
"""Seconds between two looks at what is awaited, where a look is a cost to what is measured."""
PATIENCE = 30.0
FINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "SUPERSEDED"})
COLUMNS = ("from … to …", "database", "samples", "p50, ms", "p99, ms", "CPU per sample, ms")


@dataclass(frozen=True)
class Counts:
    """How often each thing is done, and how many of the first are discarded."""

    appends: int = 200
    audits: int = 50
    launches: int = 10
    warming: int = 3


@dataclass
class Samples:
    """How long one thing took, again and again."""

    name: str
    seconds: list[float] = field(default_factory=list)
    cpu: float | None = None
    """Seconds of all roles together, all samples together; None if it was not measured."""

    def row(self, database: str) -> tuple[Cell, ...]:
        times = [1000 * quantile(self.seconds, share) for share in (0.5, 0.99)]
        cpu: Cell = "" if self.cpu is None else 1000 * self.cpu / len(self.seconds)
        return (self.name, database, float(len(self.seconds)), *times, cpu)


def run(*, quick: bool = False) -> Table:
    """Waiting times of the loop on each database."""
    counts = Counts(appends=20, audits=5, launches=2, warming=1) if quick else Counts()
    rows: list[tuple[Cell, ...]] = []
    for kind in DATABASES:
        with ground(kind, OPTIONS) as place:
            rows += [samples.row(kind) for samples in measure(place, counts)]
    return Table("The loop", COLUMNS, tuple(rows), _notes(counts))


def measure(place: Ground, counts: Counts) -> list[Samples]:
    """All waiting times of one installation, which is started here."""
    place.installation.start(*EVERYTHING)
    await_catalogue(place.installation)
    log = open_event_log(place.database)
    with requests.Session() as session:
        user = User(place, session, log)
        try:
            return [
                user.visible(counts),
                *user.audits(counts),
                *user.launches(counts),
            ]
        finally:
            log.close()


class User:
    """Somebody who asks and waits, one thing after the other.

    Args:
        place: a running installation.
        session: connections to its API that are kept.
        log: its event log, opened in this process.
    """

    def __init__(self, place: Ground, session: requests.Session, log: SqlEventLog) -> None:
        self._place = place
        self._session = session
        self._log = log
        self._clock = SystemClock()

    def visible(self, counts: Counts) -> Samples:
        """From an acknowledged append to the first GET that shows it."""
        samples = Samples("append … visible in a GET")
        for _ in range(counts.warming):
            self._append_and_see()
        before = self._cpu()
        samples.seconds = [self._append_and_see() for _ in range(counts.appends)]
        samples.cpu = self._cpu() - before
        return samples

    def audits(self, counts: Counts) -> list[Samples]:
        """From a POST to a recommended plan, and the two halves of it."""
        whole = Samples("POST audit … plan RECOMMENDED")
        claim = Samples("of which: run requested … claimed")
        decide = Samples("of which: run claimed … plan proposed")
        for _ in range(counts.warming):
            self._audit()
        before = self._cpu()
        done = []
        for _ in range(counts.audits):
            begun = time.perf_counter()
            done.append(self._audit())
            whole.seconds.append(time.perf_counter() - begun)
        whole.cpu = self._cpu() - before
        for audit, plan in done:
            requested = self._when(audit, "audit.run-requested")
            claimed = self._when(audit, "audit.run-claimed")
            proposed = self._when(plan, "plan.proposed")
            claim.seconds.append((claimed - requested).total_seconds())
            decide.seconds.append((proposed - claimed).total_seconds())
        return [whole, claim, decide]

    def launches(self, counts: Counts) -> list[Samples]:
        """From a launch to the first request at the cloud, and to the first migration."""
        first = Samples("plan launch … first request at the cloud")
        migration = Samples("plan launch … first migration requested")
        for number in range(counts.launches + 1):
            times = self._launch()
            if number:  # the first one warms up the applier's connection
                first.seconds.append(times[0])
                migration.seconds.append(times[1])
        return [first, migration]

    def _append_and_see(self) -> float:
        template = AuditTemplate.create(
            Context(self._clock.now(), Metadata(component("benchmark"))),
            uuid4(),
            name=f"seen-{uuid4()}",
            goal=GOAL,
        )
        path = f"/v1/audit_templates/{template.id}"
        self._get("/v1/goals")  # the connection is open
        self._log.save(template)
        begun = time.perf_counter()
        return self._until(path, begun)

    def _until(self, path: str, begun: float) -> float:
        while True:
            status = self._session.get(self._place.installation.url + path, timeout=10).status_code
            now = time.perf_counter()
            if status == 200:
                return now - begun
            if status != 404 or now - begun > PATIENCE:
                raise AssertionError(f"GET {path}: {status} after {now - begun:.1f} s")

    def _audit(self) -> tuple[UUID, UUID]:
        """A finished audit and its recommended plan."""
        audit = self._send(
            "POST", "/v1/audits", {"audit_type": "ONESHOT", "goal": GOAL, "name": f"a-{uuid4()}"}
        )["uuid"]
        path = f"/v1/action_plans?audit_uuid={audit}"

        def recommended() -> dict[str, Any] | None:
            plans: Sequence[dict[str, Any]] = self._get(path)["action_plans"]
            return next((plan for plan in plans if plan["state"] == "RECOMMENDED"), None)

        return UUID(audit), UUID(_await("a plan is recommended", recommended)["uuid"])

    def _launch(self) -> tuple[float, float]:
        """Seconds until the cloud is asked for the first thing, and for the first migration.

        Afterwards the plan is cancelled and every host is open again, so that the next is alike.
        """
        _, plan = self._audit()
        path = f"/v1/action_plans/{plan}"
        known = len(self._place.cloud.journal())
        begun = time.time()  # the journal's clock
        self._send("POST", f"{path}/start", {})

        def times() -> tuple[float, float] | None:
            entries = self._place.cloud.journal(known)
            moves = [entry for entry in entries if _migrates(entry)]
            return (entries[0]["time"] - begun, moves[0]["time"] - begun) if moves else None

        found = eventually("a migration is requested", times, PATIENCE)
        self._end(path)
        self._open_hosts()
        return found

    def _end(self, path: str) -> None:
        if self._get(path)["state"] not in FINAL:
            self._send("PATCH", path, [{"op": "replace", "path": "/state", "value": "CANCELLING"}])
        _await("the plan has ended", lambda: self._get(path)["state"] in FINAL or None)

    def _open_hosts(self) -> None:
        config = openstack.config.OpenStackConfig(config_files=[str(self._place.cloud.config)])
        with openstack.connection.Connection(config=config.get_one("simulator")) as cloud:
            for service in list(cloud.compute.services(binary="nova-compute")):
                if service.status == "disabled":
                    cloud.compute.enable_service(service)

    def _when(self, aggregate: UUID, topic: str) -> datetime:
        for entry in self._log.history(aggregate):
            if isinstance(entry, RecordedEvent) and entry.topic == topic:
                return entry.event.timestamp
        raise AssertionError(f"{aggregate} has no {topic}")

    def _cpu(self) -> float:
        return cpu_seconds(self._place.installation.groups)

    def _get(self, path: str) -> dict[str, Any]:
        return self._send("GET", path)

    def _send(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        url = self._place.installation.url + path
        answer = self._session.request(method, url, json=body, timeout=10)
        if not answer.ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def _migrates(entry: dict[str, Any]) -> bool:
    body = entry.get("body") or {}
    return "os-migrateLive" in body or "migrate" in body


def _await(what: str, probe: Callable[[], T | None]) -> T:
    """As ``eventually``, with the pause that the page states."""
    deadline = time.monotonic() + PATIENCE
    while (found := probe()) is None:
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE:g} s: {what}")
        time.sleep(POLL)
    return found


def _notes(counts: Counts) -> tuple[str, ...]:
    cloud = (
        "Every role is a process of its own, with the options of `vigil up`; the cloud is the "
        f"demo's ({HOSTS} hosts, {SERVERS} servers), simulated at {SPEED:g} times real time. "
        f"The first {counts.warming} of each kind (one launch) are not counted."
    )
    visible = (
        "*Visible*: an event is appended by another process; it is visible when a GET that asked "
        "for its aggregate, again and again without a pause, is answered 200. The time begins "
        "when the append was acknowledged. The GETs compete for the cores."
    )
    recommended = (
        f"*RECOMMENDED*: from before the POST until a GET each {1000 * POLL:g} ms shows the plan; "
        "the kept model of the cluster is warm (it is collected anew when it is older than "
        "`max_model_age`), metrics are measured for each audit. The parts of it are differences "
        "between event times."
    )
    requested = "*Requested*: the cloud's own journal says when."
    cpu = "CPU is of all roles and their children, without client, cloud and PostgreSQL."
    return cloud, visible, recommended, requested, cpu
