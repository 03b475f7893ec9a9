from collections.abc import Mapping

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.kernel.errors import InvalidValue, NotFound
from domain.optimization.solution import Solution
from domain.optimization.strategies.vm_workload_consolidation import ConsolidationParameters
from tests.unit.cluster.build import host, model, server
from tests.world.optimization import strategy_context
from tests.world.plugins import STRATEGIES, solve_offline


def solve(name: str, parameters: Mapping[str, object], cloud: ComputeModel) -> Solution:
    strategy = STRATEGIES[name]
    return strategy.solve(strategy_context(strategy, cloud, parameters=parameters))


def brief(solution: Solution) -> list[tuple[str, object]]:
    return [(a.type, dict(a.parameters)) for a in solution.actions]


EMPTY = model([], [])


def test_dummy_greets_says_its_parameter_and_sleeps() -> None:
    assert brief(solve("dummy", {"para1": 1.5, "para2": "hi"}, EMPTY)) == [
        ("nop", {"message": "hello World"}),
        ("nop", {"message": "hi"}),
        ("sleep", {"duration": 1.5}),
    ]


def test_dummy_does_not_say_the_same_twice() -> None:
    assert len(solve("dummy", {"para1": 1.0, "para2": "hello World"}, EMPTY).actions) == 2


def test_actuator_proposes_its_actions_verbatim_and_once() -> None:
    wanted = {"action_type": "stop", "resource_id": "s1", "input_parameters": {}}
    nop = {"action_type": "nop", "input_parameters": {"message": "x"}}
    solution = solve("actuator", {"actions": [wanted, nop, wanted]}, EMPTY)
    assert brief(solution) == [("stop", {}), ("nop", {"message": "x"})]
    assert [action.resource_id for action in solution.actions] == ["s1", ""]


def test_actuator_refuses_a_resource_id_among_the_parameters() -> None:
    wanted = {"action_type": "stop", "input_parameters": {"resource_id": "s1"}}
    with pytest.raises(InvalidValue, match="must not contain resource_id"):
        solve("actuator", {"actions": [wanted]}, EMPTY)


def undescribed(rules: object, path: str = "") -> list[str]:
    """The parameters of a JSON Schema, also nested ones, that have no description."""
    if not isinstance(rules, Mapping):
        return []
    missing = undescribed(rules.get("items"), f"{path}[]")
    for name, rule in rules.get("properties", {}).items():
        text = rule.get("description", "")
        told = text[:1].isupper() and text.endswith(".") and " " in text
        missing += [] if told else [f"{path}.{name}"]
        missing += undescribed(rule, f"{path}.{name}")
    return missing


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_dashboard_can_say_what_each_parameter_of_a_strategy_means(name: str) -> None:
    """Dashboards show the descriptions of `parameters_spec` beside the fields of their forms."""
    assert undescribed(STRATEGIES[name].parameters_schema) == []


def test_a_parameter_without_a_description_is_found() -> None:
    told = {"type": "number", "description": "What it is."}
    nested = {"properties": {"depth": {"type": "number"}, "width": told}}
    rules = {"properties": {"bare": {}, "named": {"description": "named"}, "told": told | nested}}
    assert undescribed(rules) == [".bare", ".named", ".told.depth"]


def test_consolidation_asks_for_the_six_metrics_over_its_period() -> None:
    strategy = STRATEGIES["vm_workload_consolidation"]
    needs = strategy.requirements(ConsolidationParameters(7, 60)).metrics
    assert {need.name for need in needs} == {
        "instance_ram_allocated",
        "instance_cpu_usage",
        "instance_ram_usage",
        "instance_root_disk_size",
        "host_cpu_usage",
        "host_ram_usage",
    }
    assert {(n.aggregate, n.period, n.granularity) for n in needs} == {("mean", 7.0, 60.0)}
    assert [need.name for need in needs if need.required] == ["instance_cpu_usage"]


def test_consolidation_of_nothing_says_that_the_scope_is_empty() -> None:
    solution = solve("vm_workload_consolidation", {}, EMPTY)
    assert [note.reason for note in solution.notes] == [MODEL_EMPTY]


def test_a_host_with_an_unreadable_server_is_neither_emptied_nor_disabled() -> None:
    """Found when a server without flavor figures made its host look empty."""
    cloud, _ = ComputeModel.build(
        [host(0), host(1), host(2)],
        [server(0, 0), server(1, 1, vcpus=None), server(2, 2), server(3, 2)],
    )
    solution = solve("vm_workload_consolidation", {}, cloud)
    touched = {str(action.parameters.get("resource_name")) for action in solution.actions}
    assert "c1" not in touched
    assert all(a.parameters.get("destination_node") != "c1" for a in solution.actions)


def test_a_server_excluded_from_the_audit_keeps_its_host_in_use() -> None:
    cloud = model([host(0), host(1)], [server(0, 0), server(1, 1)])
    fixed = cloud.restrict(cloud.up, ["s0"])
    solution = solve("vm_workload_consolidation", {}, fixed)
    assert [a.parameters.get("source_node") for a in solution.actions] == ["c1", None]


def disabled_because(solution: Solution) -> dict[object, str]:
    return {
        action.parameters["resource_name"]: action.because.reason
        for action in solution.actions
        if action.type == "change_nova_service_state"
    }


def test_a_host_that_was_empty_before_the_plan_says_that_and_is_not_released() -> None:
    """It "has no servers after the plan", as if the plan had emptied it."""
    cloud = model([host(0), host(1), host(2)], [server(0, 0), server(1, 1)])
    solution = solve("vm_workload_consolidation", {}, cloud)
    assert disabled_because(solution) == {"c0": "host-emptied", "c2": "host-was-empty"}
    assert solution.indicators["released_compute_nodes_count"] == 1


def test_only_hosts_that_the_plan_takes_out_of_service_are_released() -> None:
    """A host that an operator had disabled counted as released by the plan that emptied it."""
    cloud = model(
        [host(0, status="disabled", disabled_reason="broken fan"), host(1), host(2)],
        [server(0, 0), server(1, 1), server(2, 1), server(3, 2)],
    )
    solution = solve("vm_workload_consolidation", {}, cloud)
    moved_off = {action.parameters.get("source_node") for action in solution.actions} - {None}
    assert moved_off == {"c0", "c2"}
    assert disabled_because(solution) == {"c2": "host-emptied"}
    assert solution.indicators["released_compute_nodes_count"] == 1


def test_offline_runs_name_the_strategy_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="nobody"):
        solve_offline({}, "nobody")


def test_offline_results_carry_plan_efficacy_and_reasons() -> None:
    hosts = [
        {"id": f"h{n}", "name": f"c{n}", "vcpus": 8, "ram_mb": 8192, "disk_gb": 100}
        for n in range(2)
    ]
    flavor = {"vcpus": 1, "ram_mb": 512, "disk_gb": 1, "cpu_util_pct": 10, "ram_used_mb": 100}
    servers = [{"id": f"s{n}", "name": f"vm{n}", "host": f"h{n}", **flavor} for n in range(2)]
    result = solve_offline({"hosts": hosts, "instances": servers})
    assert [action["action_type"] for action in result.actions()] == [
        "migrate",
        "change_nova_service_state",
    ]
    assert result.actions()[0]["input_parameters"] == {
        "migration_type": "live",
        "source_node": "c0",
        "destination_node": "c1",
        "resource_name": "vm0",
        "resource_id": "s0",
    }
    assert [figure.value for figure in result.efficacy] == [50.0]
    assert result.reasons() == [
        "moving vm0 helps to empty c0 (servers: 1); c1 goes from 12.5 to 25.0 % of vcpus",
        "c0 has no servers after the plan",
    ]
