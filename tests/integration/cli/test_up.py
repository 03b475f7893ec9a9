import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from interfaces.cli.main import main
from tests.integration.cli.running import running_vigil
from tests.integration.supervision.conftest import eventually

pytestmark = pytest.mark.timeout(240)
ROLES = {"projector", "relay", "decision-engine", "applier", "scheduler", "collector", "api"}


def goals(url: str) -> list[str]:
    """What the API answers."""
    answer = requests.get(f"{url}/v1/goals", timeout=20)
    assert answer.status_code == 200
    return [one["uuid"] for one in answer.json()["goals"]]


@pytest.mark.slow
def test_the_tree_survives_the_death_of_any_child_and_dies_with_its_root(tmp_path: Path) -> None:
    with running_vigil(tmp_path / "data") as up:
        state = up.start()
        names = {one["name"] for one in state["children"]}
        assert names == ROLES | {"db-upgrade", "nats", "simulator"}
        for name in ("projector", "nats", "simulator", "api"):
            old = up.child(name)["pid"]
            os.kill(old, signal.SIGKILL)

            def back(name: str = name, old: int = old) -> bool:
                one = up.child(name)
                return one["state"] == "ready" and one["pid"] not in {None, old}

            eventually(back, f"{name} is back", 60)
        before = goals(state["api_url"])
        assert before
        assert len(up.members()) >= len(names)
        up.stop(signal.SIGKILL)
        eventually(lambda: not up.members(), "nothing is left of the killed tree", 30)
        again = up.start()
        assert goals(again["api_url"]) == before
        assert up.stop() == 0
        assert not up.members()
        assert not (tmp_path / "data" / "up.json").exists()


def test_quiet_prints_the_url_when_all_is_ready_and_errors_only(tmp_path: Path) -> None:
    """It printed neither: a script could not know where the API is, nor why a role had ended."""
    with running_vigil(tmp_path / "data") as up:
        url = up.start()["api_url"]
        eventually(up.printed.read_text, "the URL is printed")
        assert up.printed.read_text().split() == [url]
        old = up.child("projector")["pid"]
        os.kill(old, signal.SIGKILL)
        eventually(lambda: len(up.printed.read_text().splitlines()) > 1, "an error is printed", 30)
        _, line = up.printed.read_text().splitlines()
        assert "projector ended with" in line
        assert "ERROR" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("api", "--set", "DEFAULT.enable_authentication=false", "--set", "api.port={port}"),
            "vigil: error: [api] port: port {port} of 127.0.0.1 is taken",
        ),
        (
            ("up", "--set", "vigil.simulator_port={port}"),
            "vigil: error: [vigil] simulator_port: port {port} of 127.0.0.1 is taken",
        ),
        (
            ("up", "--set", "vigil.nats_port={port}"),
            "vigil: error: [vigil] nats_port: port {port} of 127.0.0.1 is taken",
        ),
        (
            ("sim", "--port", "{port}"),
            "vigil: error: the simulator cannot start: port {port} of 127.0.0.1 is taken",
        ),
    ],
)
def test_a_taken_port_is_a_sentence_that_names_it(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`vigil api` ended with "PortTaken: [Errno 98] Address already in use"."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        data = [] if words[0] == "sim" else ["--data", str(tmp_path)]
        assert main([word.format(port=port) for word in words] + data) == 1
    assert said.format(port=port) in capsys.readouterr().err


def test_the_models_of_all_kinds_are_kept_and_the_api_tells_that_they_can_be_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    with running_vigil(data) as up:
        api = up.start()["api_url"]

        def models() -> dict[str, dict[str, Any]]:
            assert main(["status", "--json", "--data", str(data)]) == 0
            shown = json.loads(capsys.readouterr().out)["models"]
            return {one["kind"]: one for one in shown if one["age"] is not None}

        eventually(lambda: len(models()) == 3, "three models are kept", 60)
        found = models()
        assert found["compute"]["sizes"] == {"hosts": 4, "servers": 12}
        assert found["storage"]["sizes"]["backends"] == 3
        assert found["baremetal"]["sizes"] == {"machines": 4}
        assert not any(one["stale"] or one["failure"] for one in found.values())
        state = requests.get(f"{api}/v1/strategies/dummy/state", timeout=60).json()
        (there,) = (row["state"] for row in state if row["type"] == "CDM")
        assert [*there] == [
            {f"{kind}_model": "available"} for kind in ("compute", "storage", "baremetal")
        ]
        assert up.stop() == 0


@pytest.mark.slow
def test_installations_that_start_together_do_not_get_into_each_others_ports(
    tmp_path: Path,
) -> None:
    """Both found the API's usual port free and announced it; one could not bind it seconds later.

    Its clients were answered by the other installation: with other tokens, of another cloud, and
    with nothing once that one was stopped.
    """
    with running_vigil(tmp_path / "a") as one, running_vigil(tmp_path / "b") as other:
        one.launch()
        other.launch()
        states = [one.await_ready(), other.await_ready()]
        addresses = {state[key] for state in states for key in ("api_url", "simulator_url")}
        assert len(addresses) == 4
        assert states[0]["nats_url"] != states[1]["nats_url"]
        here, there = (f"{state['api_url']}/v1/audits" for state in states)
        asked = {"audit_type": "ONESHOT", "goal": "dummy", "name": "of one"}
        assert requests.post(here, json=asked, timeout=20).status_code == 201
        assert [a["name"] for a in requests.get(here, timeout=20).json()["audits"]] == ["of one"]
        assert requests.get(there, timeout=20).json()["audits"] == []
        assert one.stop() == other.stop() == 0


def test_a_taken_port_is_avoided_unless_it_was_insisted_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["up", "--data", str(tmp_path / "a"), "--api-port", str(port)]) == 1
        complaint = capsys.readouterr().err
        assert f"[api] port: port {port} of 127.0.0.1 is taken" in complaint
        assert "choose another with --api-port" in complaint


def test_a_cloud_that_clouds_yaml_does_not_know_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text("clouds: {}\n")
    words = ["--cloud", "absent", "--set", f"vigil.cloud_config={clouds}"]
    assert main(["up", "--data", str(tmp_path / "data"), *words]) == 1
    complaint = capsys.readouterr().err
    assert "[vigil] cloud absent" in complaint
    assert str(clouds) in complaint


def test_a_clouds_yaml_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was said that the cloud refused, because the entry was not found."""
    clouds = tmp_path / "clouds.yaml"
    words = ["--cloud", "any", "--set", f"vigil.cloud_config={clouds}"]
    assert main(["up", "--data", str(tmp_path / "data"), *words]) == 1
    assert f"[vigil] cloud_config: there is no file {clouds}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["relay"], 2, "[vigil] nats_url: must be set"),
        (["listener"], 2, "[DEFAULT] transport_url: must be set"),
        (["scheduler"], 1, "run `vigil db upgrade`"),
    ],
)
def test_a_role_alone_says_what_it_lacks_in_one_line(
    tmp_path: Path, words: list[str], code: int, complaint: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", *words, "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == code
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
