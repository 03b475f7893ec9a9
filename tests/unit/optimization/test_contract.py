"""The contract of strategies: typed parameters, contexts, budgets, considered alternatives."""

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

import msgspec
import pytest

from application.commands.parameters import defaults_of
from application.kernel.typed_values import typed
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Reason
from domain.optimization.context import (
    MAX_CONSIDERED,
    MAX_STEPS,
    MigrationCost,
    ObservedMove,
    StepBudget,
    StrategyContext,
)
from domain.optimization.planners.weight import WeightOptions
from domain.optimization.solution import Rejection, Subject
from domain.optimization.strategy import NoParameters
from infrastructure.plugins import PluginOptions
from infrastructure.settings import Sources, load
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import ACTION_TYPES, PLANNERS, REGISTRY, STRATEGIES

CLOUD = model([host(0), host(1)], [server(0, 0), server(1, 0), server(2, 1)])
WHY = Reason("test.too-warm", "{host} is too warm: {degrees}", degrees="C")


def context(**values: Any) -> StrategyContext[NoParameters]:
    return StrategyContext(parameters=NoParameters(), compute=CLOUD, **values)


def default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_published_schema_and_the_typed_parameters_are_the_same(name: str) -> None:
    """Else a documented parameter would be ignored, or have another default than it says."""
    strategy = STRATEGIES[name]
    schema: Any = strategy.parameters_schema
    declared = schema.get("properties", {})
    known = {field.name: field for field in fields(strategy.parameters)}
    assert set(declared) == set(known)
    for key, rule in declared.items():
        value = default(known[key])
        assert value is not MISSING, f"{key} needs a default"
        if "default" in rule:
            assert msgspec.json.decode(msgspec.json.encode(value)) == rule["default"], key
    assert not set(schema.get("required", ())) - set(known)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_defaults_of_the_schema_are_those_of_the_typed_parameters(name: str) -> None:
    strategy = STRATEGIES[name]
    given = defaults_of(strategy.parameters_schema)
    assert typed(given, strategy.parameters) == strategy.parameters()


def test_a_value_of_another_type_names_its_field() -> None:
    with pytest.raises(InvalidValue, match="got `str`") as caught:
        typed({"period": "soon"}, STRATEGIES["vm_workload_consolidation"].parameters)
    assert caught.value.field == "period"


@dataclass(frozen=True)
class _Nested:
    inner: tuple[WeightOptions, ...] = ()


def test_a_value_deep_inside_names_its_path() -> None:
    with pytest.raises(InvalidValue) as caught:
        typed({"inner": [{"weights": 3}]}, _Nested)
    assert caught.value.field == "inner[0].weights"


def test_the_first_alternatives_are_kept_and_all_are_counted() -> None:
    found = context()
    for degrees in range(MAX_CONSIDERED + 7):
        found.considered(found.host(0), WHY, host="c0", degrees=degrees)
    assert found.alternatives.total == MAX_CONSIDERED + 7
    assert len(found.alternatives.kept) == MAX_CONSIDERED
    assert str(found.alternatives.kept[3].because) == "c0 is too warm: 3"


def test_a_subject_is_a_kind_an_id_and_a_name() -> None:
    found = context()
    assert found.host(1) == Subject("host", "h1", "c1")
    assert found.server(2).id == "s2"
    assert str(found.host(1)) == "host c1"


def test_an_alternative_of_an_old_record_is_still_read() -> None:
    old = b'{"subject": "host c1", "because": {"reason": "host-disabled", "facts": {"host": "c1"}}}'
    read = msgspec.json.decode(old, type=Rejection)
    assert (str(read.subject), str(read.because)) == ("host c1", "c1 is disabled")
    new = Rejection(Subject("host", "h1", "c1"), read.because)
    assert msgspec.json.decode(msgspec.json.encode(new), type=Rejection) == new


def test_a_budget_ends_a_search_after_the_same_number_of_steps() -> None:
    budget = StepBudget(10)
    assert [budget.spend(4) for _ in range(4)] == [True, True, True, False]
    assert budget.left == 0


def test_moves_of_the_past_tell_what_is_in_flight_and_what_rests() -> None:
    moves = (
        ObservedMove("s0", "c0", "c1", 30.0, finished=True),
        ObservedMove("s0", "c1", "c0", 900.0, finished=True),
        ObservedMove("s2", "c0", "c1", 5.0, finished=False),
    )
    found = context(moves=moves)
    assert found.in_flight().tolist() == [False, False, True]
    assert found.seconds_since_move().tolist() == [30.0, float("inf"), 5.0]


def test_a_branch_begins_after_the_starting_steps() -> None:
    found = context(start=[["move", "s0", "h1"], ["disable", "h0"]])
    branch = found.branch()
    assert branch.host_of.tolist() == [1, 0, 1]
    assert branch.enabled.tolist() == [False, True]


def test_the_options_of_a_planner_are_effective_values() -> None:
    """A record that held only what the file says would be rerun with tomorrow's defaults."""
    sources = Sources(flags={"watcher_planners.weight.weights": "nop:1"})
    options = PluginOptions(REGISTRY, sources).of("planner")["weight"]
    defaults = PLANNERS["weight"].defaults(ACTION_TYPES.values())
    assert vars(options)["weights"] == {**vars(defaults)["weights"], "nop": 1}
    assert typed(vars(options), WeightOptions) == options


def test_a_record_of_the_first_versions_is_planned_with_the_weights_that_were_in_force() -> None:
    """They recorded the configured table, which lacked two types that the planner knew."""
    options = typed({"weights": {"nop": 70}, "parallelization": {"nop": 1}}, WeightOptions)
    assert options.weights == {"nop": 70, "shelve": 37, "delete": 33}
    assert options.parallelization == {"nop": 1, "shelve": 2, "delete": 2}


def test_the_options_of_searches_have_the_defaults_of_the_contract() -> None:
    chosen = load(files=()).settings.decision_engine
    cost = MigrationCost(chosen.migration_bandwidth, chosen.migration_overhead)
    assert (chosen.strategy_steps, cost) == (MAX_STEPS, MigrationCost())
