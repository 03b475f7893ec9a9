"""Vigil's own: finding events, and following them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import quote

import falcon.testing
import pytest
import requests

from infrastructure.clock import SystemClock
from interfaces.rest.app import create_app
from interfaces.rest.services import RestSettings
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld, refused

ADA = {"X-User-Id": "u-1", "X-User-Name": "ada"}


def positions(page: Any) -> list[int]:
    return [one["position"] for one in page["events"]]


class TestFilters:
    def test_several_types_can_be_asked_for(self, api: ApiWorld) -> None:
        api.audit()
        api.audit(audit_type="EVENT")
        both = api.get("/v1/events?type=audit.requested,%20audit.run-requested")["events"]
        assert [one["type"] for one in both] == [
            *("audit.requested", "audit.run-requested", "audit.requested")
        ]
        assert api.get("/v1/events?type=audit.deleted") == {"events": []}

    def test_events_are_found_by_who_caused_them(self, api: ApiWorld) -> None:
        api.audit()
        body = {"audit_type": "EVENT", "goal": "dummy"}
        mine = api.ask("POST", "/v1/audits", body, headers=ADA)
        found = api.get("/v1/events?actor=ada")["events"]
        assert {one["actor"] for one in found} == {"ada"}
        assert found[-1]["position"] == int(mine.headers["vigil-position"])

    def test_events_are_found_by_what_they_happened_to(self, api: ApiWorld) -> None:
        first, _ = api.audit()["uuid"], api.audit()
        found = api.get(f"/v1/events?aggregate_id={first}")
        assert found == api.get(f"/v1/audits/{first}/events")

    def test_events_are_found_by_time(self, api: ApiWorld) -> None:
        api.audit()
        everything = api.get("/v1/events")["events"]
        middle = everything[len(everything) // 2]["at"]
        since = api.get(f"/v1/events?since={quote(middle)}")["events"]
        until = api.get(f"/v1/events?until={quote(middle)}")["events"]
        assert since == [one for one in everything if one["at"] >= middle]
        assert until + since == everything

    def test_next_keeps_the_filters(self, api: ApiWorld) -> None:
        for _ in range(3):
            api.audit()
        path, seen = "/v1/events?type=audit.requested,audit.run-requested&limit=4", []
        while path:
            page = api.get(path)
            seen += [one["type"] for one in page["events"]]
            path = page.get("next", "").partition("falconframework.org")[2]
        assert seen == ["audit.requested", "audit.run-requested"] * 3

    @pytest.mark.parametrize(
        "query",
        [
            *("since=x", "until=2026-02-30", "aggregate_id=x", "since=", "types=x", "type="),
            *("type=nope", "type=audit.requested,nope", "since=2026-02-02&until=2026-02-01"),
        ],
    )
    def test_what_is_not_understood_is_refused(self, used_api: ApiWorld, query: str) -> None:
        refused(used_api.ask("GET", f"/v1/events?{query}"), 400)

    def test_a_type_that_no_event_has_is_refused_with_the_nearest(self, used_api: ApiWorld) -> None:
        """The list was empty: a mistyped type looked as if nothing had happened."""
        for path in ("/v1/events", "/v1/events/stream"):
            answer = used_api.ask("GET", f"{path}?type=plan.suceeded")
            assert "'plan.suceeded' is no type of event; did you mean 'plan.succeeded'?" in refused(
                answer, 400
            )


class TestActions:
    def test_an_action_tells_its_own_story(self, api: ApiWorld) -> None:
        plan = api.plan(actions=2, state="SUCCEEDED")["uuid"]
        first, second = (one["uuid"] for one in api.actions(plan))
        for action in (first, second):
            events = api.get(f"/v1/actions/{action}/events")["events"]
            assert [one["type"] for one in events] == [
                *("plan.proposed", "plan.action-intended", "plan.action-succeeded")
            ]
        of_plan = api.get(f"/v1/action_plans/{plan}/events")["events"]
        assert all(one in of_plan for one in api.get(f"/v1/actions/{first}/events")["events"])

    def test_it_is_read_page_by_page(self, api: ApiWorld) -> None:
        plan = api.plan(actions=1, state="SUCCEEDED")["uuid"]
        path = f"/v1/actions/{api.actions(plan)[0]['uuid']}/events"
        whole = api.get(path)
        page = api.get(f"{path}?limit=1")
        rest = api.get(f"{path}?after={positions(page)[0]}")
        assert page["events"] + rest["events"] == whole["events"]

    def test_an_action_that_is_not_there_has_none(self, used_api: ApiWorld) -> None:
        refused(used_api.ask("GET", "/v1/actions/bogus/events"), 400)


def parsed(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Server-sent events, as a client takes them apart; comments count as events named so."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line and fields:
            yield fields
            fields = {}
        elif line.startswith(":"):
            fields["comment"] = line
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value


@pytest.fixture(scope="class")
def base(used_api: ApiWorld) -> Iterator[str]:
    with served(used_api, workers=1) as url:
        yield url


class TestStream:
    def test_what_was_and_what_happens_comes_in_order(self, used_api: ApiWorld, base: str) -> None:
        used_api.audit()
        with requests.get(f"{base}/v1/events/stream?after=0", stream=True, timeout=20) as http:
            assert http.headers["content-type"] == "text/event-stream"
            assert http.headers["cache-control"] == "no-store"
            events = parsed(http.iter_lines(decode_unicode=True))
            assert next(events) == {"retry": "2000"}
            known = used_api.get("/v1/events?limit=1000")["events"]
            for expected in known:
                event = next(one for one in events if "data" in one)
                assert json.loads(event["data"]) == expected
                assert (int(event["id"]), event["event"]) == (
                    *(expected["position"], expected["type"]),
                )
            used_api.audit(audit_type="EVENT")
            late = used_api.get(f"/v1/events?after={known[-1]['position']}")["events"]
            assert "audit.requested" in {one["type"] for one in late}
            for expected in late:
                event = next(one for one in events if "data" in one)
                assert json.loads(event["data"]) == expected

    def test_a_broken_stream_goes_on_where_it_broke_off(
        self, used_api: ApiWorld, base: str
    ) -> None:
        used_api.audit()
        position = positions(used_api.get("/v1/events"))[3]
        url, last = f"{base}/v1/events/stream?after=0", {"Last-Event-ID": str(position)}
        with requests.get(url, headers=last, stream=True, timeout=20) as http:
            events = parsed(http.iter_lines(decode_unicode=True))
            first = next(one for one in events if "data" in one)
        assert int(first["id"]) > position
        following = positions(used_api.get(f"/v1/events?after={position}&limit=1"))
        assert [int(first["id"])] == following

    def test_without_a_position_only_news_come_and_silence_is_broken(
        self, used_api: ApiWorld, base: str
    ) -> None:
        url = f"{base}/v1/events/stream?type=audit.requested"
        with requests.get(url, stream=True, timeout=20) as http:
            events = parsed(http.iter_lines(decode_unicode=True))
            assert next(events) == {"retry": "2000"}
            assert next(events)["comment"].startswith(":")
            news = used_api.audit(name="news")
            event = next(one for one in events if "data" in one)
            assert json.loads(event["data"])["aggregate_id"] == news["uuid"]

    def test_streams_leave_threads_for_other_requests(self, used_api: ApiWorld, base: str) -> None:
        """A worker has eight threads: streams may hold four of them, then they are refused."""
        url, limit = f"{base}/v1/events/stream", RestSettings().streams
        held = [requests.get(url, stream=True, timeout=20) for _ in range(limit)]
        try:
            refusal = requests.get(url, stream=True, timeout=20)
            assert refusal.status_code == 503
            assert refusal.headers["retry-after"] == "1"
            assert requests.get(f"{base}/v1/audits", timeout=20).status_code == 200
            metrics = requests.get(f"{base}/metrics", timeout=20).text
            assert f"vigil_event_streams {limit}.0\n" in metrics
        finally:
            for one in held:
                one.close()
        deadline = time.monotonic() + 20
        while (
            requests.get(f"{base}/metrics", timeout=20).text.count("vigil_event_streams 0.0\n") < 1
        ):
            assert time.monotonic() < deadline, "streams of clients that left are still held"
            time.sleep(0.1)

    @pytest.mark.parametrize("query", ["after=x", "limit=1", "since=2026-01-01"])
    def test_parameters_are_checked_before_it_begins(self, used_api: ApiWorld, query: str) -> None:
        refused(used_api.ask("GET", f"/v1/events/stream?{query}"), 400)
        last = {"Last-Event-ID": "x"}
        refused(used_api.ask("GET", "/v1/events/stream", headers=last), 400)


def follow(base: str, seen: list[int], end: list[int], patience: int) -> None:
    """A client that is cut off after every few lines and comes again, to any worker."""
    url = f"{base}/v1/events/stream?after=0"
    while not (end and seen and seen[-1] >= end[0]):
        headers = {"Connection": "close", **({"Last-Event-ID": str(seen[-1])} if seen else {})}
        with requests.get(url, headers=headers, stream=True, timeout=20) as http:
            if http.status_code == 503:
                time.sleep(0.05)  # earlier streams of ours are still being given up
                continue
            for event in islice(parsed(http.iter_lines(decode_unicode=True)), patience):
                if "data" in event:
                    assert json.loads(event["data"])["position"] == int(event["id"])
                    seen.append(int(event["id"]))


def test_clients_that_are_cut_off_again_and_again_see_each_event_once_and_in_order(
    api: ApiWorld,
) -> None:
    """While several writers append at once, and whichever worker serves the next connection."""
    end: list[int] = []
    seen: list[list[int]] = [[], []]
    with served(api, workers=2) as base, ThreadPoolExecutor(5) as pool:
        clients = [
            pool.submit(follow, base, mine, end, patience)
            for mine, patience in zip(seen, (9, 23), strict=True)
        ]
        writers = [
            pool.submit(lambda: [api.audit(audit_type="EVENT") for _ in range(12)])
            for _ in range(3)
        ]
        for done in writers:
            done.result(60)
        known = positions(api.get("/v1/events?limit=1000"))
        end.append(known[-1])
        for client in clients:
            client.result(60)
    assert len(known) > 60
    assert seen == [known, known]


def test_a_client_that_left_gives_up_its_place_at_once(api: ApiWorld) -> None:
    """That was noticed with the next write only: who came again four times in 15 s was refused."""
    with served(api, workers=1, heartbeat=60.0) as base:
        for _ in range(2 * RestSettings().streams):
            deadline = time.monotonic() + 10
            while True:
                with requests.get(f"{base}/v1/events/stream", stream=True, timeout=20) as answer:
                    if answer.status_code == 200:
                        assert next(answer.iter_lines()) == b"retry: 2000"
                        break
                assert time.monotonic() < deadline, "the places of those that left are held"
                time.sleep(0.05)


def test_streams_end_when_the_server_is_told_to_stop(api: ApiWorld) -> None:
    """A client that follows must not hold up a restart for the whole time of grace."""
    begun, ended = threading.Event(), threading.Event()

    def follow(base: str) -> None:
        with requests.get(f"{base}/v1/events/stream?after=0", stream=True, timeout=20) as http:
            for _ in http.iter_content():
                begun.set()
        ended.set()

    with ThreadPoolExecutor(1) as pool:
        with served(api, workers=1) as base:
            following = pool.submit(follow, base)
            assert begun.wait(20)
        following.result(20)  # the server ended within its time of grace
    assert ended.is_set()


def test_a_stream_for_which_there_is_nothing_does_not_search_the_past_again_and_again(
    api: ApiWorld,
) -> None:
    """It looked at all events since the last wanted one, four times a second, for an hour."""
    looked: list[int] = []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(api.reads, name)

        def timeline(self, **asked: Any) -> Any:
            if "only" in asked:
                looked.append(asked["after"])
            return api.reads.timeline(**asked)

    clock = Leaping(api.audit)
    settings = RestSettings(stream_seconds=10.0)
    services = replace(api.rest, reads=Watched(), settings=settings, clock=clock)
    api.audit()
    result = falcon.testing.TestClient(create_app(services)).simulate_get(
        "/v1/events/stream", query_string="after=0&actor=nobody"
    )
    assert "data:" not in result.text
    known = positions(api.get("/v1/events?limit=1000"))
    assert len(looked) == 3, "once at first, and once for each time that something happened"
    assert looked[0] == 0
    assert set(looked[1:]) <= set(known)


class Leaping(SystemClock):
    """A clock on which each pause is a second, and in the first two of which something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._now = 0.0
        self._happens = happens

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        if self._now < 2:
            self._happens()
        self._now += 1.0


def test_a_stream_ends_after_its_time(api: ApiWorld) -> None:
    services = replace(api.rest, settings=RestSettings(stream_seconds=0.0))
    result = falcon.testing.TestClient(create_app(services)).simulate_get(
        "/v1/events/stream", query_string="after=0"
    )
    ids = [line for line in result.text.splitlines() if line.startswith("id: ")]
    assert ids == [f"id: {one}" for one in positions(api.get("/v1/events"))]
