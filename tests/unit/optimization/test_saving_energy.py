"""saving_energy: the conformance vectors, and what the original gets wrong."""

from typing import Any

from application.kernel.typed_values import typed
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import HostRow, ServerRow
from domain.metrics.catalogue import MetricTable
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from tests.unit.cluster.build import host, model, server
from tests.world.optimization import weigh
from tests.world.plugins import STRATEGIES

SAVING = STRATEGIES["saving_energy"]


def node(number: int, power: str = "power on", **changes: Any) -> BaremetalNodeRow:
    extra = {"compute_node_id": f"h{number}"}
    usual: dict[str, Any] = {"power_state": power, "maintenance": False, "extra": extra}
    return BaremetalNodeRow(f"n{number}", **{**usual, **changes})


def solved(
    hosts: list[HostRow], servers: list[ServerRow], nodes: list[BaremetalNodeRow], **given: object
) -> Solution:
    parameters = typed(given, SAVING.parameters)
    cloud = model(hosts, servers)
    needs = SAVING.requirements(parameters).metrics
    return SAVING.solve(
        StrategyContext(
            parameters=parameters,
            compute=cloud,
            baremetal=BaremetalModel.build(nodes)[0],
            metrics=MetricTable.from_values(cloud, {need: {} for need in needs}),
        )
    )


def switched(solution: Solution) -> list[tuple[str, object, object]]:
    return [
        (one.resource_id, one.parameters["state"], one.parameters["resource_name"])
        for one in solution.actions
        if one.type == "change_node_power_state"
    ]


def test_vector_e1_two_of_three_free_hosts_are_switched_off() -> None:
    found = solved([host(n) for n in range(4)], [server(0, 0)], [node(n) for n in range(4)])
    assert switched(found) == [("n1", "off", "c1"), ("n2", "off", "c2")]


def test_vector_e2_a_spare_is_switched_on_though_its_service_is_down() -> None:
    """The original leaves out hosts whose service is down, as that of each host that is off is."""
    hosts = [host(0), host(1, state="down"), host(2, state="down")]
    nodes = [node(0), node(1, "power off"), node(2, "power off")]
    assert switched(solved(hosts, [server(0, 0)], nodes)) == [("n1", "on", "c1")]


def test_vector_e3_the_share_of_the_hosts_with_servers_is_rounded_down() -> None:
    hosts = [host(n) for n in range(14)]
    nodes = [node(n, "power on" if n < 10 else "power off") for n in range(14)]
    servers = [server(n, n) for n in range(10)]
    found = solved(hosts, servers, nodes, free_used_percent=25.0)
    assert len(switched(found)) == 2
    assert {state for _, state, _ in switched(found)} == {"on"}


def test_a_host_is_switched_off_only_if_it_was_disabled() -> None:
    """The original does not disable it: the scheduler may send servers to a host that goes off."""
    found = solved([host(n) for n in range(3)], [server(0, 0)], [node(n) for n in range(3)])
    planned = weigh(found)
    assert [one.action.parameters["state"] for one in planned] == ["disabled", "off"]
    assert planned[1].requires == (0,)


def test_a_soft_reboot_is_on_and_a_soft_power_off_is_off() -> None:
    nodes = [node(0), node(1, "soft reboot"), node(2, "soft power off")]
    found = solved([host(n) for n in range(3)], [server(0, 0)], nodes, min_free_hosts_num=2)
    assert switched(found) == [("n2", "on", "c2")]


def test_a_host_with_nothing_but_a_stopped_server_has_servers() -> None:
    found = solved(
        [host(0), host(1)],
        [server(0, 0, state="stopped")],
        [node(0), node(1)],
        min_free_hosts_num=0,
    )
    assert switched(found) == [("n1", "off", "c1")]
