"""An installation with a simulated cloud and an executed plan, and browsers that look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from interfaces.demo.installation import DemoCloud, DemoInstallation
from tests.browser import Browser, is_installed
from tests.ports import free_port

GOAL = "server_consolidation"
HOSTILE = "<img src=x onerror=alert(1)>"
"""A name of an audit."""

needs_browser = pytest.mark.skipif(not is_installed(), reason="needs chromium and chromedriver")


@dataclass(frozen=True)
class Installation:
    """A running installation.

    Attributes:
        url: of its API.
        audit, plan: uuids of an audit and of its plan, which was executed.
        launched: log position just before the plan was started.
    """

    url: str
    audit: str
    plan: str
    launched: int

    def get(self, path: str) -> Any:
        """The JSON document at a path."""
        return requests.get(self.url + path, timeout=30).json()

    def page(self, *path: str, **query: str) -> str:
        """The address of a screen."""
        given = "&".join(f"{name}={text}" for name, text in query.items())
        return f"{self.url}/ui/index.html#/{'/'.join(path)}{'?' if given else ''}{given}"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for all tests of a module."""
    size = DemoCloud(hosts=8, servers=40, seed=7, speed=200)
    started = DemoInstallation(
        tmp_path_factory.mktemp("web"), size.options() | {"api.port": str(free_port())}
    )
    try:
        yield _executed(started.start().api_url.rstrip("/"))
    finally:
        started.stop()


def _executed(url: str) -> Installation:
    def ask(path: str) -> Any:
        return requests.get(url + path, timeout=30).json()

    def ended(path: str) -> Any:
        found = ask(path)
        return found if found["state"] in {"SUCCEEDED", "FAILED", "CANCELLED"} else None

    Browser.until(lambda: ask(f"/v1/strategies?goal={GOAL}")["strategies"], "strategies")
    audit = requests.post(
        f"{url}/v1/audits",
        json={"name": HOSTILE, "audit_type": "ONESHOT", "goal": GOAL},
        timeout=30,
    ).json()["uuid"]
    Browser.until(lambda: ended(f"/v1/audits/{audit}"), "the audit ended")
    plan = ask(f"/v1/action_plans?audit_uuid={audit}")["action_plans"][0]["uuid"]
    before = ask("/v1/overview")["end"]
    requests.post(f"{url}/v1/action_plans/{plan}/start", timeout=30).raise_for_status()
    Browser.until(lambda: ended(f"/v1/action_plans/{plan}"), "the plan ended")
    return Installation(url, audit, plan, before)


@pytest.fixture(scope="module")
def desktop() -> Iterator[Browser]:
    """A browser with the size of a desktop, shared by the tests of a module."""
    with Browser() as opened:
        yield opened


@pytest.fixture
def browser(desktop: Browser) -> Browser:
    """The browser, without what its console said in other tests."""
    desktop.complaints()
    return desktop
