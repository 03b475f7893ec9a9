"""``/metrics``: counts and ages for a monitoring system, in the formats of Prometheus."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate

import falcon
from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from application.ports.counters import EventCount
from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import OpenRun
from application.workers.counting import ADMITTED, FACT, NOTIFICATION, SENT_NOTIFICATION
from domain.plans import PlanState
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.services import RestServices
from interfaces.rest.serving.traffic import BOUNDS, RequestCount

LOG = logging.getLogger("vigil.rest")

FORMATS: Mapping[str, Callable[[Collector], bytes]] = {
    exposition.CONTENT_TYPE_PLAIN_0_0_4: exposition.generate_latest,
    openmetrics.CONTENT_TYPE_LATEST: openmetrics.generate_latest,
}
"""Content type → what writes it. The first one is the default."""
RUN_STATES = ("claimed", "deferred", "gated", "waiting")
"""Claimed by a worker; deferred for a time; deferred until another plan has ended; due and
unclaimed."""
OPEN_PLANS = ("PENDING", "ONGOING", "CANCELLING")
_EVER = datetime.max.replace(tzinfo=UTC)


class MetricsResource(BaseResource):
    """``/metrics``. Counts and ages only: no names and no secrets, so it needs no token."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Metrics, for Prometheus."""
        chosen = req.client_prefers(list(FORMATS)) or next(iter(FORMATS))
        resp.content_type = chosen
        resp.data = FORMATS[chosen](ApiCollector(self.api))


class ApiCollector(Collector):
    """Collects the metrics of all API processes and of the stored work."""

    def __init__(self, api: RestServices) -> None:
        self._api = api

    def collect(self) -> Iterable[Metric]:
        """Every metric. Without the database only ``vigil_up`` and those of requests."""
        try:
            stored = [*self._log(), *self._work(), self._services(), *self._notifications()]
            stored += self._transports()
        except (StoreUnavailable, EventLogUnavailable) as outage:
            LOG.warning("/metrics shows only requests: the database is unavailable: %s", outage)
            stored = []
        yield _gauge("up", "Whether the database answers.", float(bool(stored)))
        yield from _requests(self._api.traffic.all())
        streams = self._api.traffic.streams()
        yield _gauge("event_streams", "Event streams that are being served.", streams)
        yield from stored

    def _log(self) -> Iterator[Metric]:
        projections = self._api.reads.projections()
        end = self._api.history.end()
        yield _gauge("log_end_position", "Position of the last event of the log.", end)
        for name, meaning in (
            ("position", "Log position that a projection reflects."),
            ("lag", "Events that a projection is behind the end of the log."),
            ("quarantined", "Events that a projection could not process."),
        ):
            values = {one.name: getattr(one, name) for one in projections}
            yield _gauges(f"projection_{name}", meaning, "projection", values)

    def _work(self) -> Iterator[Metric]:
        reads, now = self._api.reads, self._api.clock.now()
        runs, plans, tally = reads.open_runs(_EVER), reads.open_plans(), reads.state_counts()
        executing = any(plan.state == PlanState.ONGOING for plan in plans)
        by_state = [(_run_state(run, now, executing=executing), run) for run in runs]
        states = Counter(dict.fromkeys(RUN_STATES, 0))
        states.update(state for state, _ in by_state)
        open_plans = Counter(dict.fromkeys(OPEN_PLANS, 0))
        open_plans.update(plan.state for plan in plans)
        for name, meaning, counts in (
            ("open_runs", "Audit runs that have not ended.", states),
            ("open_plans", "Launched plans that have not ended.", open_plans),
            ("action_plans", "Action plans that are not deleted.", tally.plans),
            ("actions", "Actions of launched plans that have not ended.", tally.actions),
        ):
            yield _gauges(name, meaning, "state", dict(sorted(counts.items())))
        due = [run.due for state, run in by_state if state == "waiting"]
        yield _gauge(
            "oldest_waiting_run_seconds",
            "For how long the oldest due run has waited for a worker.",
            _age(now, min(due, default=now)),
        )
        launched = reads.timeline(after=plans[0].position - 1, limit=1) if plans else []
        yield _gauge(
            "oldest_open_plan_seconds",
            "How long ago the oldest plan that has not ended was launched.",
            _age(now, min((one.at for one in launched), default=now)),
        )

    def _services(self) -> Metric:
        rows = self._api.services.rows()
        alive = Counter(row.name for row in rows if row.alive)
        values = {name: alive[name] for name in sorted({row.name for row in rows})}
        return _gauges("services_alive", "Worker services that are alive.", "service", values)

    def _transports(self) -> Iterator[Metric]:
        end = self._api.history.end()
        lags = {one.transport: end - one.position for one in self._api.transports.rows()}
        yield _gauges(
            "transport_lag",
            "Events that a transport of notifications is behind.",
            "transport",
            lags,
        )
        yield _counter(
            "sent_notifications",
            "Vigil's own notifications, by outcome.",
            ("transport", "outcome"),
            [
                (one.of, one.outcome, one.count)
                for one in self._api.counters.rows()
                if one.what == SENT_NOTIFICATION
            ],
        )

    def _notifications(self) -> Iterator[Metric]:
        now = self._api.clock.now()
        counted: dict[str, list[EventCount]] = {NOTIFICATION: [], FACT: []}
        for one in self._api.counters.rows():
            counted.setdefault(one.what, []).append(one)
        messages, facts = counted[NOTIFICATION], counted[FACT]
        yield _counter(
            "notifications",
            "Notifications that listeners have acknowledged, by outcome.",
            ("event", "outcome"),
            [(one.of, one.outcome, one.count) for one in messages],
        )
        yield _counter(
            "notification_facts",
            "Facts about models in notifications: admitted, or why they were ignored.",
            ("kind", "outcome"),
            [(one.of, one.outcome, one.count) for one in facts],
        )
        yield _gauge(
            "last_notification_seconds",
            "Age of the last notification; absent before the first one.",
            _age(now, max(one.last for one in messages)) if messages else None,
        )
        yield _gauges(
            "last_admitted_fact_seconds",
            "Age of the last fact from a notification that was admitted to a model.",
            "kind",
            {one.of: _age(now, one.last) for one in facts if one.outcome == ADMITTED},
        )


def _requests(counts: Sequence[RequestCount]) -> Iterator[Metric]:
    yield _counter(
        "http_requests",
        "Requests that were answered.",
        ("method", "route", "status"),
        [(one.method, one.route, str(one.status), one.count) for one in counts],
    )
    durations = HistogramMetricFamily(
        "vigil_http_request_duration_seconds",
        "How long requests took; of event streams, until they began.",
        labels=("method", "route"),
    )
    bounds = (*map(str, BOUNDS), "+Inf")
    for key in dict.fromkeys((one.method, one.route) for one in counts):
        same = [one for one in counts if (one.method, one.route) == key]
        buckets = accumulate(map(sum, zip(*(one.buckets for one in same), strict=True)))
        seconds = sum(one.seconds for one in same)
        durations.add_metric(key, list(zip(bounds, buckets, strict=True)), seconds)
    yield durations


def _run_state(run: OpenRun, now: datetime, *, executing: bool) -> str:
    if run.owner is not None:
        return "claimed"
    if max(run.due, run.not_before or run.due) > now:
        return "deferred"
    gated = executing and run.not_before is not None and not run.force
    return "gated" if gated else "waiting"


def _age(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())


def _counter(
    name: str, meaning: str, labels: Sequence[str], rows: Iterable[tuple[*tuple[str, ...], int]]
) -> Metric:
    family = CounterMetricFamily(f"vigil_{name}", meaning, labels=labels)
    for *values, count in rows:
        family.add_metric(values, count)
    return family


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    return GaugeMetricFamily(f"vigil_{name}", meaning, value)


def _gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"vigil_{name}", meaning, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
