"""A configuration file of the original service: what is used, not used, and mistyped."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from infrastructure.settings import load
from infrastructure.simulator import Simulator, SimulatorConfig
from infrastructure.simulator.core.config import PASSWORD
from interfaces.bootstrap.cloud import connection
from interfaces.cli.main import main
from tests.integration.cli.running import running_vigil
from tests.integration.supervision.conftest import eventually

pytestmark = pytest.mark.timeout(240)

FILE = """
[api]
prot = 9999
[keystone_authtokn]
username = watcher
[watcher_messaging]
driver = kombu
[watcher_decision_engine]
conductor_topic = a
status_topic = b
"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    one = Simulator(SimulatorConfig(hosts=3, servers=6))
    one.start()
    yield one
    one.stop()


def test_up_says_it_once_for_all_roles(tmp_path: Path) -> None:
    conf = tmp_path / "vigil.conf"
    conf.write_text(FILE)
    with running_vigil(tmp_path / "data", "--config-file", str(conf)) as up:
        up.start()
        assert up.log().count("options that are not used") == 1
        assert up.stop() == 0


def credentials(simulator: Simulator, section: str) -> str:
    return (
        f"[{section}]\nauth_type = password\nauth_url = {simulator.base_url}/identity/v3\n"
        f"username = admin\npassword = {PASSWORD}\nproject_name = admin\n"
        "user_domain_id = default\nproject_domain_id = default\n"
    )


def hypervisors(cloud: Connection) -> int:
    answer = cloud.session.get("/os-hypervisors", endpoint_filter={"service_type": "compute"})
    return len(answer.json()["hypervisors"])


class TestCredentialsOfTheOriginalService:
    def test_name_the_cloud(self, simulator: Simulator, tmp_path: Path) -> None:
        """[watcher_clients_auth] was ignored, and `vigil up` simulated a cloud."""
        conf = tmp_path / "vigil.conf"
        conf.write_text(credentials(simulator, "watcher_clients_auth") + "insecure = false\n")
        settings = load(files=[conf], environ={}).settings
        assert not settings.cloud.is_simulated
        cloud = connection(settings)
        try:
            assert hypervisors(cloud) == 3
        finally:
            cloud.close()

    def test_may_be_in_a_section_of_another_name(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        conf = tmp_path / "vigil.conf"
        conf.write_text(
            credentials(simulator, "shared") + "[watcher_clients_auth]\nauth_section = shared\n"
        )
        cloud = connection(load(files=[conf], environ={}).settings)
        try:
            assert hypervisors(cloud) == 3
        finally:
            cloud.close()

    def test_are_not_used_where_a_cloud_is_named(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        conf = tmp_path / "vigil.conf"
        conf.write_text(credentials(simulator, "watcher_clients_auth"))
        chosen = {"vigil.cloud": "absent", "vigil.data_dir": str(tmp_path / "data")}
        words = [word for pair in chosen.items() for word in ("--set", "=".join(pair))]
        assert main(["up", "--config-file", str(conf), *words]) == 1

    def test_that_are_incomplete_are_refused_by_name(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        conf = tmp_path / "vigil.conf"
        conf.write_text("[watcher_clients_auth]\nauth_type = palmistry\n")
        assert main(["up", "--config-file", str(conf), "--data", str(tmp_path / "data")]) == 1
        assert "[watcher_clients_auth]" in capsys.readouterr().err

    @pytest.mark.slow
    def test_are_what_up_optimises(
        self, simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        conf = tmp_path / "vigil.conf"
        conf.write_text(credentials(simulator, "watcher_clients_auth"))
        with running_vigil(tmp_path / "data", "--config-file", str(conf)) as up:
            state = up.start()
            assert "simulator" not in {one["name"] for one in state["children"]}
            assert "cloud of [watcher_clients_auth]" in up.log()

            def collected() -> bool:
                capsys.readouterr()
                assert main(["status", "--json", "--data", str(tmp_path / "data")]) == 0
                models = json.loads(capsys.readouterr().out)["models"]
                return {"hosts": 3, "servers": 6} in [one["sizes"] for one in models]

            eventually(collected, "the model is collected", 60)
            assert up.stop() == 0


@pytest.mark.slow
def test_up_shows_in_red_that_real_tokens_open_a_simulation(
    simulator: Simulator, tmp_path: Path
) -> None:
    """An operator had named Keystone, not the cloud, and saw an INFO line."""
    conf = tmp_path / "vigil.conf"
    conf.write_text(credentials(simulator, "keystone_authtoken"))
    with running_vigil(tmp_path / "data", "--config-file", str(conf)) as up:
        up.start()
        [line] = [one for one in up.log().splitlines() if "SIMULATED CLOUD" in one]
        assert up.stop() == 0
    assert "WARNING" in line
    assert "[keystone_authtoken]" in line
    assert "[vigil] cloud" in line
