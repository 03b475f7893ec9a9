"""Handlers that need no cloud, and what all of them share."""

import pytest
from openstack.connection import Connection

from application.commands.catalogue import definitions
from application.ports.cloud import Go, Phase
from domain.catalogue import PluginKind
from domain.kernel.errors import InvalidValue
from infrastructure.openstack.actions import validate
from tests.conformance.actions.simulated import SimulatedGround
from tests.world.plugins import ACTION_TYPES, OPTIMIZERS, handlers


@pytest.fixture
def connection(simulated_ground: SimulatedGround) -> Connection:
    return simulated_ground.connection


def test_every_handler_executes_the_declared_type_of_its_name(connection: Connection) -> None:
    found = handlers(connection)
    assert {name: handler.declaration for name, handler in found.items()} == {
        name: ACTION_TYPES[name] for name in found
    }


def test_a_type_without_a_handler_is_not_offered(connection: Connection) -> None:
    found = handlers(connection)
    del found["sleep"]
    offered = {
        one.name for one in definitions(OPTIMIZERS, found, ()) if one.kind is PluginKind.ACTION_TYPE
    }
    assert set(ACTION_TYPES) - offered == {"sleep"}


@pytest.mark.parametrize(
    ("kind", "parameters", "field", "rule"),
    [
        ("migrate", {}, "migration_type", "is required"),
        ("nop", {"message": 5}, "message", "must be of type string or null, not 5"),
        ("nop", {"message": "", "extra": 1}, "extra", "is not a parameter of this action"),
        ("sleep", {"duration": -1}, "duration", "must be at least 0, not -1"),
        ("stop", {"resource_id": "x"}, "resource_id", "must be a UUID, not 'x'"),
        (
            "change_nova_service_state",
            {"resource_id": "", "state": "enabled"},
            "resource_id",
            "must not be empty, not ''",
        ),
    ],
)
def test_bad_parameters_name_field_and_rule(
    connection: Connection, kind: str, parameters: dict[str, object], field: str, rule: str
) -> None:
    with pytest.raises(InvalidValue) as invalid:
        validate(handlers(connection)[kind], parameters)
    assert (invalid.value.field, invalid.value.rule) == (field, rule)


def test_sleep_needs_no_worker_to_wait_and_survives_its_death(connection: Connection) -> None:
    now = [100.0]
    sleep = handlers(connection, now=lambda: now[0])["sleep"]
    verdict = sleep.check({"duration": 10})
    assert isinstance(verdict, Go)
    sleep.start({"duration": 10}, verdict.before)
    now[0] = 104.0
    seen = sleep.observe({"duration": 10}, verdict.before, None)
    assert (seen.phase, seen.facts["percent"]) == (Phase.RUNNING, 40.0)
    now[0] = 50.0
    assert sleep.observe({"duration": 10}, verdict.before, None).facts["percent"] == 0.0
    now[0] = 110.0
    assert sleep.observe({"duration": 10}, verdict.before, None).phase is Phase.DONE
