"""The example deployment: without an engine to run it, it is held against the code it names."""

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
    build_parser().parse_args(words)


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_variable_names_an_option(name: str) -> None:
    known = {option.variable for option in options()}
    given = {key for key in OWN[name]["environment"] if key.startswith("VIGIL_")}
    assert given <= known
    assert {"VIGIL_DATABASE_CONNECTION", "VIGIL_NATS_URL", "VIGIL_CLOUD"} <= given


def test_every_role_is_deployed() -> None:
    roles = {"api", "projector", "relay", "collector", "decision-engine", "applier", "scheduler"}
    assert roles | {"listener"} <= set(OWN)


def test_what_a_service_waits_for_and_mounts_exists() -> None:
    for service in SERVICES.values():
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"]


def test_one_process_migrates_and_the_roles_wait_for_it() -> None:
    assert OWN["migrate"]["command"] == ["vigil", "db", "upgrade"]
    for name in set(OWN) - {"migrate"}:
        waits = OWN[name]["depends_on"]["migrate"]
        assert waits == {"condition": "service_completed_successfully"}
