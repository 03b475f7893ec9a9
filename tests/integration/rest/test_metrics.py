"""Vigil's own: what monitoring systems are told."""

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import falcon.testing
import pytest
import requests
from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from application.ports.counters import EventCount
from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from domain.audits import Audit, RunCause
from domain.audits.reasons import PLAN_IN_PROGRESS
from domain.kernel.reasons import Cause
from interfaces.rest.app import create_app
from interfaces.rest.serving.traffic import BOUNDS, SERIES, SharedMemory, Traffic
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld
from tests.world.world import TEST

Series = dict[str, float]

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,/;q=0.1"
)
"""What Prometheus 3 sends as Accept."""


def scraped(text: str) -> Series:
    """The samples of an exposition, whose shape must be right."""
    found: Series = {}
    declared = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            declared.add(line.split()[2])
        elif not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            family = name.partition("{")[0]
            assert any(
                family in {one, *(one + end for end in ("_bucket", "_sum", "_count"))}
                for one in declared
            ), line
            assert name not in found, line
            found[name] = float(value)
    return found


def metrics(api: ApiWorld) -> Series:
    result = api.ask("GET", "/metrics", version=None)
    assert result.headers["content-type"] == exposition.CONTENT_TYPE_PLAIN_0_0_4
    return scraped(result.text)


class TestMetrics:
    def test_work_is_counted_by_state(self, api: ApiWorld) -> None:
        api.audit(audit_type="EVENT")
        waiting, claimed = api.audit(), api.audit()
        api.plan(actions=2, state="RECOMMENDED")
        api.plan(actions=3, state="ONGOING")
        api.plan(actions=1, state="SUCCEEDED")

        def claim(tx: Any, ctx: Any) -> None:
            audit = tx.get(Audit, UUID(claimed["uuid"]))
            audit.claim_run(ctx, audit.run.id, "engine/1", "ctl-1")

        api.settle(api.commands.run(TEST, claim).position)
        seen = metrics(api)
        assert waiting["state"] == "PENDING"
        assert seen['vigil_open_runs{state="claimed"}'] == 1
        assert seen['vigil_open_runs{state="waiting"}'] == 4  # three plans have an audit each
        assert seen['vigil_open_runs{state="deferred"}'] == 0
        assert seen['vigil_open_plans{state="ONGOING"}'] == 1
        assert seen['vigil_open_plans{state="PENDING"}'] == 0
        assert seen['vigil_action_plans{state="SUCCEEDED"}'] == 1
        assert seen['vigil_actions{state="PENDING"}'] == 3
        assert 0 < seen["vigil_oldest_waiting_run_seconds"] < 60
        assert 0 < seen["vigil_oldest_open_plan_seconds"] < 60

    @pytest.mark.parametrize("force", [False, True])
    def test_a_run_that_waits_for_another_plan_does_not_wait_for_a_worker(
        self, api: ApiWorld, *, force: bool
    ) -> None:
        """It is put off once, and that was a minute ago; workers look at it all the time."""
        gated = api.audit(audit_type="EVENT", force=force)
        ago = timedelta(minutes=1)

        def put_off(tx: Any, ctx: Any) -> None:
            before = replace(ctx, at=ctx.at - ago)
            audit = tx.get(Audit, UUID(gated["uuid"]))
            run = audit.request_run(before, before.at, RunCause.WEBHOOK)
            epoch = audit.claim_run(before, run, "engine/1", "ctl-1")
            because = Cause(PLAN_IN_PROGRESS, {"plan": "p"})
            audit.defer_run(before, run, epoch, because, before.at, tried=False)

        api.settle(api.commands.run(TEST, put_off).position)
        seen = metrics(api)
        assert seen['vigil_open_runs{state="waiting"}'] == 1, "there is no other plan"
        assert seen["vigil_oldest_waiting_run_seconds"] >= ago.total_seconds()
        plan = api.plan(state="ONGOING")
        api.put_audit(plan["audit_uuid"], "CANCELLED")
        seen = metrics(api)
        assert seen['vigil_open_runs{state="gated"}'] == (0 if force else 1)
        assert seen['vigil_open_runs{state="waiting"}'] == (1 if force else 0)
        waits = seen["vigil_oldest_waiting_run_seconds"]
        assert waits >= ago.total_seconds() if force else waits == 0

    def test_an_idle_service_has_no_queues(self, api: ApiWorld) -> None:
        seen = metrics(api)
        assert seen["vigil_up"] == 1
        assert seen["vigil_oldest_waiting_run_seconds"] == 0
        assert seen["vigil_oldest_open_plan_seconds"] == 0
        assert seen['vigil_open_runs{state="waiting"}'] == 0

    def test_the_log_and_its_projections_are_told(self, api: ApiWorld) -> None:
        api.worker()
        api.settle(api.log.end())
        seen = metrics(api)
        assert seen["vigil_log_end_position"] == api.log.end()
        for name in ("audits", "plans", "timeline", "catalogue"):
            assert seen[f'vigil_projection_lag{{projection="{name}"}}'] == 0
            assert seen[f'vigil_projection_quarantined{{projection="{name}"}}'] == 0
            assert seen[f'vigil_projection_position{{projection="{name}"}}'] > 0
        alive = 'vigil_services_alive{service="watcher-decision-engine"}'
        assert seen[alive] in {0, 1}

    def test_what_became_of_notifications_is_told(self, api: ApiWorld) -> None:
        """Listeners have no port of their own."""
        assert not [name for name in metrics(api) if "notification" in name or "fact" in name]
        now = api.clock.now()
        counts = [
            ("notification", "instance.update", "read", 7, 20),
            ("notification", "other", "useless", 90, 10),
            ("notification-fact", "compute", "admitted", 5, 30),
            ("notification-fact", "compute", "older", 2, 20),
            ("notification-fact", "storage", "admitted", 1, 40),
            ("something", "else", "altogether", 1, 0),
        ]
        counted = [
            EventCount(what, of, outcome, count, now - timedelta(seconds=age))
            for what, of, outcome, count, age in counts
        ]
        api.counters.add(counted)
        seen = metrics(api)
        assert {name: value for name, value in seen.items() if "_total{event=" in name} == {
            'vigil_notifications_total{event="instance.update",outcome="read"}': 7,
            'vigil_notifications_total{event="other",outcome="useless"}': 90,
        }
        assert {name: value for name, value in seen.items() if "_facts_total" in name} == {
            'vigil_notification_facts_total{kind="compute",outcome="admitted"}': 5,
            'vigil_notification_facts_total{kind="compute",outcome="older"}': 2,
            'vigil_notification_facts_total{kind="storage",outcome="admitted"}': 1,
        }
        ages = {name: value for name, value in seen.items() if "vigil_last_" in name}
        assert ages == {
            "vigil_last_notification_seconds": pytest.approx(10, abs=5),
            'vigil_last_admitted_fact_seconds{kind="compute"}': pytest.approx(30, abs=5),
            'vigil_last_admitted_fact_seconds{kind="storage"}': pytest.approx(40, abs=5),
        }
        api.counters.add(counted)
        again = metrics(api)
        assert again['vigil_notifications_total{event="instance.update",outcome="read"}'] == 14

    def test_the_state_of_each_transport_of_notifications_is_told(self, api: ApiWorld) -> None:
        now, end = api.clock.now(), api.log.end()
        api.transports.create("nats", end - 3, "a")
        api.transports.create("webhook siem", end, "a")
        api.counters.add(
            [
                EventCount("sent-notification", "nats", "sent", 9, now),
                EventCount("sent-notification", "nats", "refused", 1, now),
            ]
        )
        seen = metrics(api)
        assert seen['vigil_transport_lag{transport="nats"}'] == 3
        assert seen['vigil_transport_lag{transport="webhook siem"}'] == 0
        assert seen['vigil_sent_notifications_total{outcome="sent",transport="nats"}'] == 9
        assert seen['vigil_sent_notifications_total{outcome="refused",transport="nats"}'] == 1

    def test_requests_are_counted_by_route_and_not_by_what_was_asked(self, api: ApiWorld) -> None:
        before = metrics(api)
        for ident in ("a", "b", "c"):
            api.ask("GET", f"/v1/audits/{ident}")
        api.ask("GET", "/v1/nowhere")
        seen = metrics(api)
        counted = 'vigil_http_requests_total{method="GET",route="/v1/audits/{ident}",status="404"}'
        assert seen[counted] - before.get(counted, 0) == 3
        assert 'vigil_http_requests_total{method="GET",route="none",status="404"}' in seen
        duration = "vigil_http_request_duration_seconds"
        labels = 'method="GET",route="/v1/audits/{ident}"'
        buckets = [seen[f'{duration}_bucket{{le="{le}",{labels}}}'] for le in (*BOUNDS, "+Inf")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == seen[f"{duration}_count{{{labels}}}"]
        assert seen[f"{duration}_sum{{{labels}}}"] > 0

    def test_label_values_are_escaped(self, api: ApiWorld) -> None:
        name = 'q"\\\n'
        api.counters.add([EventCount("notification", name, "read", 1, api.clock.now())])
        seen = metrics(api)
        assert seen[r'vigil_notifications_total{event="q\"\\\n",outcome="read"}'] == 1

    @pytest.mark.parametrize(
        ("accept", "chosen"),
        [
            ("*/*", exposition.CONTENT_TYPE_PLAIN_0_0_4),
            ("text/plain", exposition.CONTENT_TYPE_PLAIN_0_0_4),
            ("application/json", exposition.CONTENT_TYPE_PLAIN_0_0_4),
            (
                "application/openmetrics-text;version=none;q=some",
                exposition.CONTENT_TYPE_PLAIN_0_0_4,
            ),
            ("application/openmetrics-text", openmetrics.CONTENT_TYPE_LATEST),
            (
                PROMETHEUS_3,
                openmetrics.CONTENT_TYPE_LATEST,
            ),
        ],
    )
    def test_prometheus_chooses_the_format(self, api: ApiWorld, accept: str, chosen: str) -> None:
        api.audit()
        result = api.ask("GET", "/metrics", version=None, headers={"Accept": accept})
        assert result.headers["content-type"] == chosen
        if chosen == openmetrics.CONTENT_TYPE_LATEST:
            parsed = text_string_to_metric_families(result.text)  # type: ignore[no-untyped-call]
            families = {one.name for one in parsed}
            assert {"vigil_up", "vigil_http_requests", "vigil_open_runs"} <= families
        else:
            assert scraped(result.text)["vigil_up"] == 1

    @pytest.mark.parametrize("part", ["reads", "history", "services", "counters"])
    def test_without_the_database_requests_are_still_told(self, api: ApiWorld, part: str) -> None:
        """Whichever part of it is asked first: the log's absence was answered with a 500."""
        outage = EventLogUnavailable if part == "history" else StoreUnavailable

        class Away:
            def __getattr__(self, name: str) -> Any:
                raise outage("secret")

        services = replace(api.rest, **{part: Away()})  # type: ignore[arg-type]
        result = falcon.testing.TestClient(create_app(services)).simulate_get("/metrics")
        assert result.status_code == 200
        assert scraped(result.text)["vigil_up"] == 0
        assert "secret" not in result.text

    def test_any_worker_tells_what_all_have_answered(self, used_api: ApiWorld) -> None:
        """Also after one of them was killed and replaced: a counter never falls."""
        with served(used_api, workers=2) as base:
            for _ in range(30):
                requests.get(f"{base}/v1/goals", headers={"Connection": "close"}, timeout=20)
            name = 'vigil_http_requests_total{method="GET",route="/v1/goals",status="200"}'
            for _ in range(4):
                text = requests.get(
                    f"{base}/metrics", headers={"Connection": "close"}, timeout=20
                ).text
                assert scraped(text)[name] == 30


class TestTraffic:
    def test_a_successor_goes_on_where_its_predecessor_ended(self) -> None:
        memory = SharedMemory(2)
        first = Traffic(memory, 0)
        first.answered("GET", "/a", 200, 0.02)
        first.change_streams(1)
        other = Traffic(memory, 1)
        other.answered("GET", "/a", 200, 0.02)
        successor = Traffic(memory, 0)
        successor.answered("GET", "/a", 200, 99.0)
        [answers] = other.all()
        assert (answers.count, answers.buckets[-1]) == (3, 1)
        assert answers.seconds == pytest.approx(99.04)
        assert other.streams() == 0

    def test_processes_share_it_across_a_fork(self) -> None:
        memory = SharedMemory(2)
        child = os.fork()
        if child == 0:
            Traffic(memory, 1).answered("POST", "/b", 201, 0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        [answers] = Traffic(memory, 0).all()
        assert (answers.method, answers.route, answers.status) == ("POST", "/b", 201)

    def test_strangers_cannot_fill_the_memory(self) -> None:
        traffic = Traffic()
        for number in range(2 * SERIES):
            traffic.answered(f"M{number}", None, 405, 0.0)
            traffic.answered("GET", f"/{number}", 200, 0.0)
        counts = traffic.all()
        assert len(counts) <= SERIES
        assert sum(one.count for one in counts) == 4 * SERIES


def test_readiness_tells_how_far_each_projection_is_behind(api: ApiWorld) -> None:
    api.audit()
    deadline = time.monotonic() + 20
    while any(one["lag"] for one in api.get("/healthcheck", version=None)["projections"]):
        assert time.monotonic() < deadline
    names = {one["name"] for one in api.get("/healthcheck", version=None)["projections"]}
    assert {"audits", "plans", "timeline", "catalogue", "audit-templates"} <= names
