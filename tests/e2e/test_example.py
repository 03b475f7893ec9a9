"""The example of plug-ins: built, installed beside the product in a new environment, and used."""

import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.benchmarks.cluster_core import synthetic
from tests.integration.supervision.conftest import eventually

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "acme-even-load"
PRODUCT = ("domain", "application", "infrastructure", "interfaces", "vigil")
NAME = "acme.even_load"
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (vigil .+)$", PAGE, re.MULTILINE)


class Environment:
    """A virtual environment with Vigil as a wheel and the locked dependencies of this one.

    Args:
        folder: for it.
        wheels: to install.
    """

    def __init__(self, folder: Path, *wheels: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        self.bin = folder / "bin"
        python = str(self.bin / "python")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
        options = ["--no-deps", "--no-index", "--no-warn-script-location"]
        subprocess.run([*pip, *options, *wheels], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "locked.pth").write_text("\n".join(site.getsitepackages()) + "\n")

    def vigil(self, *words: str | Path, code: int = 0) -> str:
        """The output of a command."""
        done = subprocess.run(
            [self.bin / "vigil", *words], capture_output=True, text=True, env=clean(), check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    @contextmanager
    def up(self, folder: Path, *words: str) -> Iterator[str]:
        """`vigil up` in this environment; the URL of its API."""
        size = ["--hosts", "6", "--servers", "40", "--speed", "60"]
        process = subprocess.Popen(
            [self.bin / "vigil", "up", "--quiet", "--data", folder, *size, *words], env=clean()
        )
        try:
            yield eventually(lambda: ready(process, folder), "`vigil up` is ready", 60)
        finally:
            process.terminate()
            process.wait(60)


def clean() -> dict[str, str]:
    """The environment variables, without those that lead to the code of this repository."""
    return {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("VIGIL_", "PYTHON", "COVERAGE"))
    }


def ready(process: subprocess.Popen[bytes], folder: Path) -> str | None:
    assert process.poll() is None, (folder / "vigil.log").read_text()[-4000:]
    try:
        state = json.loads((folder / "up.json").read_text())
    except FileNotFoundError:
        return None
    return str(state["api_url"]) if state["ready"] else None


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Vigil and the example as wheels. They are built from copies: a build writes beside it."""
    folder = tmp_path_factory.mktemp("wheels")
    without = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    shutil.copytree(EXAMPLE, folder / "example", ignore=without)
    product = folder / "product"
    for name in PRODUCT:
        shutil.copytree(ROOT / name, product / name, ignore=without)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, product)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    for source in (product, folder / "example"):
        subprocess.run([*build, "--no-build-isolation", "-w", folder, source], check=True)
    (vigil,), (example,) = folder.glob("vigil*.whl"), folder.glob("acme*.whl")
    return vigil, example


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, wheels: tuple[Path, Path]) -> Environment:
    """An environment without the example."""
    return Environment(tmp_path_factory.mktemp("plain"), wheels[0])


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, wheels: tuple[Path, Path]) -> Environment:
    """An environment with the example."""
    return Environment(tmp_path_factory.mktemp("extended"), *wheels)


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps(synthetic(20, 60)))
    return file


def test_the_list_shows_the_plug_ins_and_their_origin(extended: Environment) -> None:
    rows = json.loads(extended.vigil("plugins", "list", "--json"))
    assert [row for row in rows if row["state"] != "loaded"] == []
    example = [row for row in rows if row["distribution"] == "acme-even-load"]
    assert [(row["kind"], row["name"], row["version"]) for row in example] == [
        ("goal", NAME, "1.0.0"),
        ("strategy", NAME, "1.0.0"),
        ("action", "acme.lock", "1.0.0"),
        ("action handler", "acme.lock", "1.0.0"),
    ]


def test_an_offline_run_proposes_moves_that_lower_the_spread(
    extended: Environment, cluster: Path
) -> None:
    lock = ["--json", "--param", "lock=true"]
    found = json.loads(extended.vigil("strategy", "run", NAME, "--cluster", cluster, *lock))
    kinds = [action["action_type"] for action in found["actions"]]
    assert kinds.count("migrate") == kinds.count("acme.lock") > 0
    assert kinds.index("acme.lock") > kinds.index("migrate")
    assert found["indicators"]["spread_after"] < 0.7 * found["indicators"]["spread_before"]
    assert found["reasons"][-1]["reason"] == "acme.keeps-place"


def test_without_the_example_neither_goal_nor_strategy_is_known(
    plain: Environment, cluster: Path
) -> None:
    """The control of the tests above: nothing of it is found by another way."""
    assert NAME not in plain.vigil("plugins", "list")
    refused = plain.vigil("strategy", "run", NAME, "--cluster", cluster, code=1)
    assert NAME in refused


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_work(
    command: str, extended: Environment, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cluster.parent)
    assert extended.vigil(*shlex.split(command)[1:]).strip()


def test_the_suites_of_the_example_pass(extended: Environment, tmp_path: Path) -> None:
    """Run as its author would."""
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    done = subprocess.run(
        [extended.bin / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env=clean(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.timeout(240)
def test_an_audit_through_the_api_gives_a_plan_whose_actions_are_executed(
    extended: Environment, tmp_path: Path
) -> None:
    with extended.up(tmp_path / "data", "--set", "watcher_actions.acme.lock.reason=even") as url:
        body = {
            "name": "even",
            "audit_type": "ONESHOT",
            "goal": NAME,
            "strategy": NAME,
            "parameters": {"max_moves": 2, "lock": True},
            "auto_trigger": True,
        }
        eventually(lambda: NAME in names(url, "goals"), "the goal is listed")
        audit = ask(url, "/v1/audits", body)["uuid"]
        plan = eventually(lambda: ended(url, audit), "the plan has ended", 150)
        assert plan["state"] == "SUCCEEDED", plan
        actions = ask(url, f"/v1/actions/detail?action_plan_uuid={plan['uuid']}")["actions"]
        states = {(one["action_type"], one["state"]) for one in actions}
        assert states == {("migrate", "SUCCEEDED"), ("acme.lock", "SUCCEEDED")}


@pytest.mark.timeout(120)
def test_without_the_example_an_audit_for_its_goal_is_refused(
    plain: Environment, tmp_path: Path
) -> None:
    """The control of the test above."""
    with plain.up(tmp_path / "data") as url:
        eventually(lambda: "dummy" in names(url, "goals"), "the goals are listed")
        body = {"audit_type": "ONESHOT", "goal": NAME}
        answer = requests.post(f"{url}/v1/audits", json=body, timeout=30)
        assert answer.status_code == 404
        assert NAME in answer.text


def ended(url: str, audit: str) -> dict[str, Any] | None:
    """The plan of an audit, once it has ended."""
    plans = ask(url, f"/v1/action_plans/detail?audit_uuid={audit}")["action_plans"]
    done = [one for one in plans if one["state"] in {"SUCCEEDED", "FAILED", "CANCELLED"}]
    shown = ask(url, f"/v1/audits/{audit}")
    assert shown["state"] != "FAILED", shown
    return done[0] if done else None


def names(url: str, kind: str) -> set[str]:
    return {one["name"] for one in ask(url, f"/v1/{kind}")[kind]}


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"OpenStack-API-Version": "infra-optim latest"}
    method = "GET" if body is None else "POST"
    answer = requests.request(method, url + path, json=body, headers=headers, timeout=30)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found
