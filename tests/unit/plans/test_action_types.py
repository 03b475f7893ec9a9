import pytest
from jsonschema import Draft4Validator

from domain.optimization.planners.weight import WeightOptions, WeightPlanner
from domain.plans.action_types import ActionType, ResourceKind
from infrastructure.plugins import PluginOptions
from infrastructure.settings import load
from tests.world.plugins import ACTION_TYPES, REGISTRY

WEIGHTS = {
    "nop": 70,
    "volume_migrate": 60,
    "change_nova_service_state": 50,
    "sleep": 40,
    "shelve": 37,
    "stop": 35,
    "delete": 33,
    "migrate": 30,
    "resize": 20,
    "turn_host_to_acpi_s3_state": 10,
    "change_node_power_state": 9,
}
"""Watcher's documented defaults, with the two action types of 17.0.0."""
ONE_AT_A_TIME = {"nop", "change_nova_service_state", "sleep"}


def defaults(*further: ActionType) -> WeightOptions:
    return WeightPlanner().defaults([*ACTION_TYPES.values(), *further])


def test_the_default_weights_are_those_of_the_contract() -> None:
    assert list(defaults().weights.items()) == list(WEIGHTS.items())


def test_the_default_parallelization_is_that_of_the_contract() -> None:
    expected = {name: 1 if name in ONE_AT_A_TIME else 2 for name in WEIGHTS}
    assert list(defaults().parallelization.items()) == list(expected.items())


def test_the_configuration_shows_the_weight_of_every_action_type() -> None:
    """The defaults were written down twice; the second list lacked ``shelve`` and ``delete``."""
    shown = PluginOptions(REGISTRY, load(files=[]).settings.sources).of("planner")["weight"]
    assert shown == defaults()


def test_a_further_action_type_brings_its_own_defaults() -> None:
    """The control of the tests above: the tables follow from the declarations."""
    further = ActionType(
        name="acme.cool", description="Cools.", schema={}, resource=ResourceKind.HOST, weight=45
    )
    found = defaults(further)
    assert list(found.weights)[3:5] == ["acme.cool", "sleep"]
    assert found.parallelization["acme.cool"] == 1


@pytest.mark.parametrize("name", ACTION_TYPES)
def test_a_declaration_can_be_shown_and_checked(name: str) -> None:
    """Upstream's schemas spell keywords in a way that no validator knows: they check nothing."""
    declared = ACTION_TYPES[name]
    assert declared.name == name
    assert declared.description.endswith(".")
    Draft4Validator.check_schema(declared.schema)
    assert declared.schema["additionalProperties"] is False
    properties = declared.schema["properties"]
    assert isinstance(properties, dict)
    assert "resource_id" in properties
