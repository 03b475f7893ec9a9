"""What keeps the picture new, while what it watches goes away, comes back, and is killed."""

import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import pytest

from interfaces.client import VigilClient
from interfaces.terminal.viewer.feed import Feed
from interfaces.terminal.viewer.frame import frame
from interfaces.terminal.viewer.picture import Health
from interfaces.terminal.viewer.viewer import Viewer
from tests.golden.viewer import example
from tests.integration.viewer.api import PreparedApi
from tests.integration.viewer.driving import Driver, SteadyClock, drive


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock()


@pytest.fixture
def feed(api: PreparedApi, clock: SteadyClock) -> Iterator[Feed]:
    with closing(VigilClient(api.url)) as client:
        yield Feed(client, api.url, clock)


def test_an_api_that_is_away_for_a_minute_keeps_the_last_picture_marked_as_old(
    api: PreparedApi, feed: Feed, clock: SteadyClock
) -> None:
    feed.refresh()
    api.is_away = True
    feed.refresh()
    clock.seconds += 60
    feed.refresh()
    health = Health(feed.picture, clock.now())
    assert health.state == "blind"
    assert "no answer of the API since 12:00:01 UTC (1m); what you see is OLD" in health.lines[0]
    assert feed.picture.overview == api.answers["/v1/overview"]
    api.is_away = False
    feed.refresh()
    assert Health(feed.picture, clock.now()).state == "warning"  # of the API itself


def test_a_picture_that_nothing_renews_is_not_green(
    api: PreparedApi, feed: Feed, clock: SteadyClock
) -> None:
    """A thread that hangs in a request leaves no error, only an old picture."""
    api.answers["/v1/overview"] = {**example.OVERVIEW, "health": {"state": "ok", "problems": []}}
    assert Health(feed.picture, clock.now()).state == "blind"
    feed.refresh()
    assert Health(feed.picture, clock.now()).state == "ok"
    clock.seconds += 16
    assert Health(feed.picture, clock.now()).state == "blind"


def test_health_that_is_not_reported_is_not_green(
    api: PreparedApi, feed: Feed, clock: SteadyClock
) -> None:
    api.answers["/v1/overview"] = {**example.OVERVIEW, "health": None}
    feed.refresh()
    assert Health(feed.picture, clock.now()).state == "blind"


def test_a_killed_role_is_named_first_and_the_banner_says_failed(api: PreparedApi) -> None:
    killed = example.role("scheduler", state="FAILED", age=95.0)
    api.answers["/v1/overview"] = {
        **example.OVERVIEW,
        "roles": [*example.ROLES[:-1], killed],
        "health": {
            "state": "failed",
            "problems": [
                {
                    "code": "role-missing",
                    "severity": "failed",
                    "subject": "scheduler",
                    "text": "The role scheduler does not run.",
                    "since": None,
                }
            ],
        },
    }

    async def story(driver: Driver) -> None:
        assert "✗ FAILED The role scheduler does not run." in driver.screen
        lines = driver.screen.splitlines()
        roles = next(place for place, line in enumerate(lines) if "does now" in line)
        assert "scheduler" in lines[roles + 1]
        assert "✗ FAILED" in lines[roles + 1]

    drive(api, story)


def test_an_event_refreshes_the_screen_before_the_interval_ends(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        changed = {**example.PLANS[1], "state": "PENDING"}
        api.answers["/v1/overview"] = {
            **example.OVERVIEW,
            "plans": [example.PLANS[0], changed, *example.PLANS[2:]],
        }
        api.wake.set()
        await driver.until("00000032 · PENDING")

    drive(api, story, interval=3600.0)


def test_hosts_are_not_read_at_every_refresh(
    api: PreparedApi, feed: Feed, clock: SteadyClock
) -> None:
    for _ in range(10):
        feed.refresh()
        clock.seconds += 0.5
    assert [path for path, _ in api.asked].count("/v1/hosts") == 1
    assert [path for path, _ in api.asked].count("/v1/overview") == 10


def test_many_refreshes_need_no_more_memory(
    api: PreparedApi, feed: Feed, clock: SteadyClock
) -> None:
    viewer = Viewer(feed.picture)

    def refresh(count: int) -> None:
        for _ in range(count):
            clock.seconds += 1
            feed.refresh()
            viewer.show(feed.picture)
            frame(viewer, clock.now(), 120, 40)
        api.asked.clear()

    refresh(20)
    tracemalloc.start()
    refresh(5)
    before, _ = tracemalloc.get_traced_memory()
    refresh(100)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 200_000
