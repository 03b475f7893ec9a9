"""node_resource_consolidation: the vectors of its contract, and what the original gets wrong."""

from collections.abc import Sequence
from dataclasses import replace

from domain.cluster.compute.model import ComputeModel
from domain.optimization.context import Considered
from domain.optimization.solution import Solution
from tests.unit.cluster.build import host, model, server
from tests.unit.optimization.test_basic import figures
from tests.world.optimization import strategy_context
from tests.world.plugins import STRATEGIES

STRATEGY = STRATEGIES["node_resource_consolidation"]
REASON = "Watcher node resource consolidation strategy"


def solve(cloud: ComputeModel, **parameters: object) -> Solution:
    return STRATEGY.solve(strategy_context(STRATEGY, cloud, parameters=parameters))


def brief(solution: Solution) -> Sequence[tuple[object, ...]]:
    shown: list[tuple[object, ...]] = []
    for action in solution.actions:
        given = action.parameters
        if action.type == "migrate":
            ends = given["source_node"], given.get("destination_node")
            shown.append((given["migration_type"], given["resource_name"], *ends))
        else:
            shown.append((given["state"], given["resource_name"], given.get("disabled_reason")))
    return shown


def small(**changes: str) -> ComputeModel:
    """c0[8] c1[2, 2] c2[1, 1 stopped, 1, 1]."""
    rows = [server(0, 0, vcpus=8), server(1, 1), server(2, 1)]
    rows += [server(3, 2, vcpus=1), server(4, 2, vcpus=1, state="stopped")]
    rows += [server(5, 2, vcpus=1), server(6, 2, vcpus=1)]
    return model([host(0), host(1), host(2, **changes)], rows)


def test_nova_chooses_the_destinations_while_emptied_hosts_are_closed() -> None:
    """The original found no place for every second server; the excluded one keeps c2 in use."""
    found = small()
    solution = solve(found.restrict(found.up, ["s6"]))
    assert brief(solution) == [
        ("disabled", "c1", REASON),
        ("live", "vm1", "c1", None),
        ("live", "vm2", "c1", None),
        ("enabled", "c1", None),
    ]
    assert figures(solution) == [3, 1, 2]


def test_the_strategy_chooses_the_destinations_and_a_host_that_is_down_keeps_its_servers() -> None:
    """The original moved the servers of c2, which is down."""
    solution = solve(small(state="down"), host_choice="specify")
    assert brief(solution) == [("live", "vm1", "c1", "c0"), ("live", "vm2", "c1", "c0")]
    assert figures(solution) == [3, 1, 2]


def test_a_host_of_which_a_migration_by_this_audit_failed_is_filled_and_not_emptied() -> None:
    """Each run of a continuous audit planned the same migration, which failed again."""
    cloud = model([host(0), host(1)], [server(0, 0, vcpus=8), server(1, 1), server(2, 1)])
    plain = strategy_context(STRATEGY, cloud, parameters={"host_choice": "specify"})
    assert {row[2] for row in brief(STRATEGY.solve(plain))} == {"c1"}
    context = replace(plain, failed_moves=("s1", "gone"), alternatives=Considered())
    solution = STRATEGY.solve(context)
    assert brief(solution) == [("live", "vm0", "c0", "c1")]
    (stays,) = (str(one.because) for one in context.alternatives.kept)
    assert "on a host of which a migration by this audit failed" in stays


def test_a_server_that_is_stopped_is_migrated_cold() -> None:
    solution = solve(model([host(0), host(1)], [server(0, 0, state="stopped"), server(1, 1)]))
    assert ("cold", "vm0", "c0", None) in brief(solution)


def test_no_host_is_emptied_in_part() -> None:
    """The original counted a host as released of which one server could leave."""
    rows = [server(0, 0, vcpus=12), server(1, 1, vcpus=2), server(2, 1, vcpus=8)]
    solution = solve(model([host(0), host(1)], rows))
    assert brief(solution) == []
    assert figures(solution) == [2, 0, 0]


def test_empty_hosts_are_closed_too_and_those_that_were_closed_stay_so() -> None:
    hosts = [host(0), host(1), host(2), host(3, status="disabled")]
    solution = solve(model(hosts, [server(0, 0, vcpus=4), server(1, 1)]))
    assert [one[:2] for one in brief(solution)] == [
        ("disabled", "c1"),
        ("disabled", "c2"),
        ("live", "vm1"),
        ("enabled", "c1"),
        ("enabled", "c2"),
    ]


def test_hosts_are_left_alone_if_nothing_moves() -> None:
    assert brief(solve(model([host(0), host(1)], [server(0, 0)]))) == []
