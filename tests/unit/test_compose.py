"""The example deployment: without an engine to run it, it is held against the code it names."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.settings import options
from interfaces.cli.main import build_parser

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OWN = {name: one for name, one in SERVICES.items() if one.get("command", [""])[0] == "vigil"}


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_command_is_one_of_vigils(name: str) -> None:
    words = OWN[name]["command"][1:]
    assert build_parser().parse_args(words).command == words[0]


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_variable_names_an_option(name: str) -> None:
    known = {option.variable for option in options()}
    given = {key for key in OWN[name]["environment"] if key.startswith("VIGIL_")}
    assert given <= known
    assert {"VIGIL_DATABASE_CONNECTION", "VIGIL_NATS_URL", "VIGIL_CLOUD"} <= given


def test_every_role_is_deployed() -> None:
    roles = {"api", "projector", "relay", "collector", "decision-engine", "applier", "scheduler"}
    assert roles | {"listener", "notifier"} <= set(OWN)


def test_what_a_service_waits_for_and_mounts_exists() -> None:
    for service in SERVICES.values():
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"]


def test_no_secret_is_on_a_command_line() -> None:
    """Every user of a machine can read the command lines of all processes."""
    secrets = {"VIGIL_DB_PASSWORD", "VIGIL_NATS_TOKEN"}
    for name, service in SERVICES.items():
        words = str(service.get("command", ""))
        assert not [one for one in secrets if one in words], name
    assert "VIGIL_NATS_TOKEN" in COMPOSE["configs"]["nats"]["content"]
    used = {one["source"] for service in SERVICES.values() for one in service.get("configs", ())}
    assert used == set(COMPOSE["configs"])


def test_only_the_api_is_published_and_no_password_has_a_default() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api"}
    text = (ROOT / "docker-compose.yml").read_text()
    given = re.findall(r"\$\{(VIGIL_(?:DB_PASSWORD|NATS_TOKEN))(:\?)?", text)
    assert given
    assert all(required for _, required in given), "a variable that is not set stops the start"


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_processes_of_vigil_have_no_rights_on_the_machine(name: str) -> None:
    assert OWN[name]["cap_drop"] == ["ALL"]
    assert OWN[name]["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "user"} & set(OWN[name])
    assert all(one.endswith(":ro") for one in OWN[name]["volumes"])


def test_the_image_runs_as_a_user_of_its_own_and_holds_all_packages() -> None:
    """It lacked the package that plug-ins import."""
    lines = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines() if line]
    user = [words[1] for words in lines if words[0] == "USER"]
    assert user == ["vigil"]
    assert lines[-1][0] == "CMD"
    assert [words[0] for words in lines].index("USER") < len(lines) - 1
    copied = {word for words in lines if words[0] == "COPY" for word in words[1:-1]}
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert {one.rstrip("*") for one in found["find"]["include"]} <= copied


def test_one_process_migrates_and_the_roles_wait_for_it() -> None:
    assert OWN["migrate"]["command"] == ["vigil", "db", "upgrade"]
    for name in set(OWN) - {"migrate"}:
        waits = OWN[name]["depends_on"]["migrate"]
        assert waits == {"condition": "service_completed_successfully"}
