"""A collector that remembers Placement finds what one that reads everything finds."""

import itertools
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.cloud import ComputeRows
from infrastructure.openstack.collectors import providers
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.simulator.clients import Client, until

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Support for InfluxDB", "ignore::openstack.warnings.RemovedInSDK50Warning"
    ),
    pytest.mark.timeout(300),
]
HOSTS, SERVERS = 4, 14
ATTEMPTS = 50
SPEED = 200.0
ACTIONS: tuple[dict[str, Any], ...] = (
    {"os-migrateLive": {"host": None, "block_migration": "auto"}},
    {"migrate": None},
    {"resize": {"flavorRef": "2"}},
    {"confirmResize": None},
    {"revertResize": None},
    {"os-stop": None},
    {"os-start": None},
    {"shelve": None},
    {"shelveOffload": None},
    {"unshelve": None},
)
STEPS = st.one_of(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, SERVERS - 1)),
    st.tuples(st.sampled_from(["delete", "abort"]), st.integers(0, SERVERS - 1)),
    st.tuples(st.sampled_from(["enabled", "disabled"]), st.integers(0, HOSTS - 1)),
    st.tuples(st.just("wait"), st.integers(0, SERVERS - 1)),
)


class Compared:
    """A simulated cloud, and two collectors of it."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.cloud = Client(simulator.base_url, folder)
        self.remembering = NovaCollector(self.cloud.sdk, interval=float("inf"))
        self.forgetful = NovaCollector(self.cloud.sdk)
        rows = self.forgetful.collect()
        self.servers = [row.id for row in rows.servers]
        self.services = self.cloud.get("/compute/v2.1/os-services")["services"]

    def do(self, what: Any, number: int) -> None:
        """A step; Nova may refuse it."""
        server = self.servers[number % len(self.servers)]
        match what:
            case "delete":
                self.cloud.ask("DELETE", f"/compute/v2.1/servers/{server}")
            case "abort":
                path = f"/compute/v2.1/servers/{server}/migrations"
                for one in self.cloud.ask("GET", path).json().get("migrations", []):
                    self.cloud.ask("DELETE", f"{path}/{one['id']}")
            case "enabled" | "disabled":
                service = self.services[number % len(self.services)]["id"]
                body = {"status": what}
                self.cloud.ask("PUT", f"/compute/v2.1/os-services/{service}", None, body)
            case "wait":
                path = f"/compute/v2.1/servers/{server}"
                until(lambda: not _is_busy(self.cloud.ask("GET", path).json()), "it rests")
            case _:
                self.cloud.act(server, what)

    def compare(self) -> None:
        """Compares them at a moment when the cloud does not change."""
        for _ in range(ATTEMPTS):
            before = _content(self.forgetful.collect())
            found = self.remembering.collect()
            if _content(self.forgetful.collect()) == before:
                assert _content(found) == before
                return
        raise AssertionError("the cloud never stands still")


def _is_busy(shown: dict[str, Any]) -> bool:
    server = shown.get("server")
    return server is not None and server["OS-EXT-STS:task_state"] is not None


def _content(rows: ComputeRows) -> ComputeRows:
    return replace(
        rows,
        calls=0,
        whole_age=0.0,
        hosts=sorted(rows.hosts, key=lambda row: row.id),
        servers=sorted(rows.servers, key=lambda row: row.id),
    )


def _run(steps: list[tuple[Any, int]]) -> None:
    with TemporaryDirectory() as folder:
        simulator = Simulator(SimulatorConfig(hosts=HOSTS, servers=SERVERS, speed=SPEED))
        simulator.start()
        try:
            compared = Compared(Path(folder), simulator)
            compared.compare()
            for step in steps:
                compared.do(*step)
                compared.compare()
            compared.cloud.sdk.close()
        finally:
            simulator.stop()


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=10))
def test_what_changed_is_found(steps: list[tuple[Any, int]]) -> None:
    _run(steps)


RESIZE: tuple[tuple[Any, int], ...] = (
    ({"migrate": None}, 0),
    ("wait", 0),
    ({"confirmResize": None}, 0),
    ("wait", 0),
)


def test_a_confirmed_migration_is_found() -> None:
    _run(list(RESIZE))


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that believed generations alone would not see that an allocation was deleted."""
    monkeypatch.setattr(providers, "accounts_for_all", lambda *_: True)
    with pytest.raises(AssertionError):
        _run(list(itertools.chain(RESIZE, RESIZE)))
