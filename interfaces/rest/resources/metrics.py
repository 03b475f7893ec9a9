"""``/metrics``: what a monitoring system watches, in the text format of Prometheus."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import falcon

from application.ports.counters import EventCount
from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import OpenRun
from application.workers.counting import ADMITTED, FACT, NOTIFICATION
from domain.plans import PlanState
from interfaces.rest.exposition import CONTENT_TYPE, Family, MetricSample, text
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.serving.traffic import BOUNDS, Answered

LOG = logging.getLogger("vigil.rest")

RUN_STATES = ("claimed", "deferred", "gated", "waiting")
"""Held by a worker; put off for a time; put off until another plan has ended; due, and nobody has
taken it."""
OPEN_PLANS = ("PENDING", "ONGOING", "CANCELLING")
_EVER = datetime.max.replace(tzinfo=UTC)


class MetricsResource(BaseResource):
    """``/metrics``. Counts and ages only: no names, no secrets, hence no token."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Metrics, for Prometheus."""
        del req
        families = [*_requests(self.api.traffic.all())]
        streams = MetricSample(self.api.traffic.streams())
        families.append(_gauge("event_streams", "Event streams that are being served.", [streams]))
        try:
            told = [*self._log(), *self._work(), self._services(), *self._notifications()]
        except (StoreUnavailable, EventLogUnavailable) as outage:
            LOG.warning("/metrics tells only of requests, the database is away: %s", outage)
            told = []
        up = _gauge("up", "Whether the database answers.", [MetricSample(1 if told else 0)])
        resp.content_type = CONTENT_TYPE
        resp.text = text([up, *families, *told])

    def _log(self) -> Iterator[Family]:
        projections = self.api.reads.projections()
        end = MetricSample(self.api.history.end())
        yield _gauge("log_end_position", "Position of the last event of the log.", [end])
        for name, meaning in (
            ("position", "Log position that a projection reflects."),
            ("lag", "Events that a projection is behind the end of the log."),
            ("quarantined", "Events that a projection could not take in."),
        ):
            samples = [
                MetricSample(getattr(one, name), {"projection": one.name}) for one in projections
            ]
            yield _gauge(f"projection_{name}", meaning, samples)

    def _work(self) -> Iterator[Family]:
        reads, now = self.api.reads, self.api.clock.now()
        runs, plans, tally = reads.open_runs(_EVER), reads.open_plans(), reads.state_counts()
        executing = any(plan.state == PlanState.ONGOING for plan in plans)
        by_state = [(_run_state(run, now, executing=executing), run) for run in runs]
        states = Counter(state for state, _ in by_state)
        yield _by_state("open_runs", "Audit runs that have not ended.", states, RUN_STATES)
        open_plans = Counter(plan.state for plan in plans)
        yield _by_state("open_plans", "Launched plans that have not ended.", open_plans, OPEN_PLANS)
        yield _by_state("action_plans", "Action plans that are not deleted.", tally.plans)
        yield _by_state("actions", "Actions of launched plans that have not ended.", tally.actions)
        due = [run.due for state, run in by_state if state == "waiting"]
        waits = [(now - min(due)).total_seconds()] if due else []
        yield _gauge(
            "oldest_waiting_run_seconds", "Since when a due run waits for a worker.", _ages(waits)
        )
        first = (
            [one.at for one in reads.timeline(after=plans[0].position - 1, limit=1)]
            if plans
            else []
        )
        yield _gauge(
            "oldest_open_plan_seconds",
            "Since when the oldest plan that has not ended was launched.",
            _ages([(now - at).total_seconds() for at in first]),
        )

    def _services(self) -> Family:
        alive = Counter(row.name for row in self.api.services.rows() if row.alive)
        names = {row.name for row in self.api.services.rows()}
        samples = [MetricSample(alive[name], {"service": name}) for name in sorted(names)]
        return _gauge("services_alive", "Worker services that are alive.", samples)

    def _notifications(self) -> Iterator[Family]:
        now = self.api.clock.now()
        counted: dict[str, list[EventCount]] = {NOTIFICATION: [], FACT: []}
        for one in self.api.counters.rows():
            counted.setdefault(one.what, []).append(one)
        messages, facts = counted[NOTIFICATION], counted[FACT]
        yield _counter(
            "notifications_total",
            "Notifications that listeners have acknowledged, by what became of them.",
            [
                MetricSample(one.count, {"event": one.of, "outcome": one.outcome})
                for one in messages
            ],
        )
        yield _counter(
            "notification_facts_total",
            "What notifications told of models: admitted, or why it was ignored.",
            [MetricSample(one.count, {"kind": one.of, "outcome": one.outcome}) for one in facts],
        )
        newest = [max(one.last for one in messages)] if messages else []
        yield _gauge(
            "last_notification_seconds",
            "Since when no notification came; not told before the first.",
            [MetricSample(_age(now, last)) for last in newest],
        )
        yield _gauge(
            "last_admitted_fact_seconds",
            "Since when nothing that notifications told was admitted to a model.",
            [
                MetricSample(_age(now, one.last), {"kind": one.of})
                for one in facts
                if one.outcome == ADMITTED
            ],
        )


def _requests(answers: list[Answered]) -> Iterator[Family]:
    yield Family(
        "vigil_http_requests_total",
        "counter",
        "Requests that were answered.",
        [
            MetricSample(
                one.count,
                {"method": one.method, "route": one.route, "status": str(one.status)},
            )
            for one in answers
        ],
    )
    yield Family(
        "vigil_http_request_duration_seconds",
        "histogram",
        "How long requests took; of event streams, until they began.",
        [sample for route in _by_route(answers) for sample in _histogram(route)],
    )


def _by_route(answers: list[Answered]) -> list[Answered]:
    """The answers of each route, whatever their status."""
    found: dict[tuple[str, str], Answered] = {}
    for one in answers:
        key = one.method, one.route
        before = found.get(key)
        if before is not None:
            buckets = tuple(map(sum, zip(before.buckets, one.buckets, strict=True)))
            seconds = before.seconds + one.seconds
            found[key] = Answered(one.method, one.route, 0, seconds, buckets)
        else:
            found[key] = one
    return list(found.values())


def _histogram(one: Answered) -> Iterator[MetricSample]:
    labels = {"method": one.method, "route": one.route}
    reached = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), one.buckets, strict=True):
        reached += count
        yield MetricSample(reached, {**labels, "le": bound}, "_bucket")
    yield MetricSample(one.seconds, labels, "_sum")
    yield MetricSample(reached, labels, "_count")


def _run_state(run: OpenRun, now: datetime, *, executing: bool) -> str:
    if run.owner is not None:
        return "claimed"
    if max(run.due, run.not_before or run.due) > now:
        return "deferred"
    gated = executing and run.not_before is not None and not run.force
    return "gated" if gated else "waiting"


def _by_state(
    name: str, meaning: str, counts: Mapping[str, int], states: Iterable[str] = ()
) -> Family:
    shown = {**dict.fromkeys(states, 0), **counts}
    return _gauge(
        name,
        meaning,
        [MetricSample(count, {"state": state}) for state, count in sorted(shown.items())],
    )


def _ages(seconds: list[float]) -> list[MetricSample]:
    return [MetricSample(max([0.0, *seconds]))]


def _age(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())


def _counter(name: str, meaning: str, samples: Iterable[MetricSample]) -> Family:
    return Family(f"vigil_{name}", "counter", meaning, samples)


def _gauge(name: str, meaning: str, samples: Iterable[MetricSample]) -> Family:
    return Family(f"vigil_{name}", "gauge", meaning, samples)
