import json

import pytest

from domain.kernel.errors import InvalidValue, NotFound
from domain.optimization.goals import global_efficacy, validate_indicators
from domain.optimization.selection import NoStrategyForGoal, choose_strategy
from tests.world.plugins import GOALS, STRATEGIES

CONSOLIDATION = {
    "compute_nodes_count": 4,
    "released_compute_nodes_count": 1,
    "instance_migrations_count": 3,
}
MAINTENANCE = {
    "live_migrate_instance_count": 4,
    "planned_live_migrate_instance_count": 3,
    "cold_migrate_instance_count": 2,
    "planned_cold_migrate_instance_count": 0,
    "volume_migrate_count": 0,
    "planned_volume_migrate_count": 0,
    "volume_update_count": 1,
    "planned_volume_update_count": 1,
}


def test_the_ten_goals_are_there() -> None:
    assert list(GOALS) == [
        "airflow_optimization",
        "cluster_maintaining",
        "dummy",
        "hardware_maintenance",
        "noisy_neighbor",
        "saving_energy",
        "server_consolidation",
        "thermal_optimization",
        "unclassified",
        "workload_balancing",
    ]


def test_every_strategy_serves_a_goal_that_exists() -> None:
    assert all(strategy.goal in GOALS for strategy in STRATEGIES.values())
    assert all(name == strategy.name for name, strategy in STRATEGIES.items())


def test_consolidation_is_worth_the_share_of_hosts_that_it_frees() -> None:
    [ratio] = global_efficacy(GOALS["server_consolidation"], CONSOLIDATION)
    assert (ratio.name, ratio.unit, ratio.value) == ("released_nodes_ratio", "%", 25.0)


def test_a_share_has_two_decimals() -> None:
    """A dashboard showed 16.666666666666668 %."""
    third = {**CONSOLIDATION, "compute_nodes_count": 6}
    [ratio] = global_efficacy(GOALS["server_consolidation"], third)
    assert ratio.value == 16.67


def test_the_descriptions_of_indicators_say_what_the_numbers_are() -> None:
    """They said "to do" of what can be moved, and "released" was not defined."""
    told = {
        one.name: one.description for goal in GOALS.values() for one in goal.efficacy.indicators
    }
    assert told == {
        "compute_nodes_count": "Number of compute hosts that the strategy considered.",
        "released_compute_nodes_count": (
            "Number of compute hosts that held servers and that the plan takes out of service, "
            "less those that it puts into service."
        ),
        "instance_migrations_count": "Number of migrations of servers in the plan.",
        "instances_count": "Number of servers that the strategy examined.",
        "standard_deviation_after_audit": (
            "Standard deviation of the load of the hosts that is expected after the plan."
        ),
        "standard_deviation_before_audit": (
            "Standard deviation of the load of the hosts that was measured before the plan."
        ),
        "live_migrate_instance_count": "Number of servers that can be migrated live.",
        "planned_live_migrate_instance_count": "Number of live migrations in the plan.",
        "cold_migrate_instance_count": "Number of servers that have to be migrated cold.",
        "planned_cold_migrate_instance_count": "Number of cold migrations in the plan.",
        "volume_migrate_count": "Number of detached volumes that can be migrated.",
        "planned_volume_migrate_count": "Number of migrations of detached volumes in the plan.",
        "volume_update_count": "Number of attached volumes that can be migrated.",
        "planned_volume_update_count": "Number of migrations of attached volumes in the plan.",
    }


def test_maintenance_is_worth_four_shares_and_nothing_to_do_is_zero() -> None:
    figures = global_efficacy(GOALS["hardware_maintenance"], MAINTENANCE)
    assert {figure.name: figure.value for figure in figures} == {
        "live_instance_migrate_ratio": 75.0,
        "cold_instance_migrate_ratio": 0.0,
        "volume_migrate_ratio": 0.0,
        "volume_update_ratio": 100.0,
    }


def test_balancing_without_servers_is_worth_zero() -> None:
    [ratio] = global_efficacy(GOALS["workload_balancing"], {"instance_migrations_count": 0})
    assert ratio.value == 0.0


def test_a_goal_without_efficacy_has_no_figures() -> None:
    assert global_efficacy(GOALS["dummy"], {}) == ()


def test_reporting_nothing_is_fine() -> None:
    assert global_efficacy(GOALS["server_consolidation"], {}) == ()


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"released_compute_nodes_count": -2}, "released_compute_nodes_count", "at least 0"),
        ({"instance_migrations_count": 1.5}, "instance_migrations_count", "whole number"),
        ({"compute_nodes_count": float("nan")}, "compute_nodes_count", "must be a number"),
        ({"compute_nodes_count": True}, "compute_nodes_count", "must be a number"),
        ({"surprise": 1}, "surprise", "no indicator of goal server_consolidation"),
    ],
)
def test_a_bad_indicator_is_refused_by_name(
    changes: dict[str, float], field: str, rule: str
) -> None:
    with pytest.raises(InvalidValue, match=rule) as caught:
        validate_indicators(GOALS["server_consolidation"], {**CONSOLIDATION, **changes})
    assert caught.value.field == field


def test_a_missing_indicator_is_named_unless_it_is_optional() -> None:
    validate_indicators(GOALS["workload_balancing"], {"instance_migrations_count": 1})
    with pytest.raises(InvalidValue, match="compute_nodes_count: is required"):
        validate_indicators(GOALS["server_consolidation"], {"instance_migrations_count": 1})


def test_indicators_carry_their_schema_as_json_text() -> None:
    specifications = [i for goal in GOALS.values() for i in goal.efficacy.indicators]
    assert len({i.name for i in specifications}) == 14
    for indicator in specifications:
        kind = "integer" if indicator.whole else "number"
        assert json.loads(indicator.schema_text) == {"type": kind, "minimum": 0}
        assert indicator.unit is None
        assert indicator.description.endswith(".")


def test_a_named_strategy_is_taken_whatever_the_goal() -> None:
    assert choose_strategy(STRATEGIES, "dummy", "actuator").name == "actuator"
    with pytest.raises(NotFound, match="Strategy nobody could not be found"):
        choose_strategy(STRATEGIES, "dummy", "nobody")


def test_a_goal_gets_the_first_strategy_in_name_order() -> None:
    goal = "server_consolidation"
    assert choose_strategy(STRATEGIES, goal).name == "basic"
    twice = {**STRATEGIES, "aaa": STRATEGIES["vm_workload_consolidation"]}
    assert choose_strategy(twice, goal) is twice["aaa"]


def test_a_goal_may_name_the_strategy_of_audits_that_name_none() -> None:
    """By name alone, audits of the goal changed to another strategy when `basic` was added."""
    for goal in GOALS.values():
        if goal.strategy:
            assert STRATEGIES[goal.strategy].goal == goal.name
            found = choose_strategy(STRATEGIES, goal.name, preferred=goal.strategy)
            assert found.name == goal.strategy
    assert GOALS["server_consolidation"].strategy == "vm_workload_consolidation"
    assert choose_strategy(STRATEGIES, "dummy", preferred="actuator").name == "dummy"


def test_a_strategy_that_cannot_run_on_its_defaults_is_the_last_choice() -> None:
    """Actuator needs its actions; alone it is still better than nothing to run."""
    assert choose_strategy(STRATEGIES, "unclassified").name == "actuator"


def test_a_goal_that_nobody_serves_is_refused() -> None:
    with pytest.raises(NoStrategyForGoal, match=r"acme\.cool"):
        choose_strategy(STRATEGIES, "acme.cool")
