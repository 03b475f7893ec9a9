"""What holds between two audits of any strategy, on any cloud.

An audit of a plan's result proposes nothing; an extra empty host makes nothing worse; other names
in another order give the same plan, in other words. The table says what each strategy is asked for,
and why a relation cannot hold.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from application.simulation.offline import OfflineResult
from domain.kernel.reasons import declared
from tests.properties.cluster.clouds import (
    Cloud,
    after,
    cloud,
    renaming,
    shuffle,
    with_empty_host,
)
from tests.world.plugins import STRATEGIES, solve_offline

SEEDS = st.integers(min_value=0, max_value=2**32)
EXAMPLES = 20
Worse = Callable[[Cloud, OfflineResult], float | tuple[float, ...]]
"""How bad the result of a plan is: of the cloud after it, and of the plan."""

FIXED = "it proposes the same actions for every cloud"
OTHER_MEAN = "an empty host changes the mean, hence the spread that can be reached"
LARGER_RESERVE = "a host that is larger than the others raises the reserve"
UNFORESEEN = "its metric after the plan does not follow from the placement"
ONE_EACH = "it relieves a host of one server"


def used_hosts(result: Cloud, _: OfflineResult) -> int:
    return len({row["host"] for row in result["instances"]})


def excess_then_hosts(result: Cloud, found: OfflineResult) -> tuple[float, ...]:
    """Cores in use beyond those that hosts have; then hosts in use."""
    excess = 0.0
    for row in result["hosts"]:
        cores = row["vcpus"] + row["pcpus"]
        used = row["cpu_util_pct"] / 100.0 * cores
        excess += max(0.0, used - (cores - row["vcpus_reserved"]))
    return round(excess, 6), used_hosts(result, found)


def over(percent: float) -> Worse:
    """Hosts that use a share of their cores, or more."""

    def count(result: Cloud, _: OfflineResult) -> int:
        return sum(row["cpu_util_pct"] >= percent - 1e-6 for row in result["hosts"])

    return count


def not_relieved(_: Cloud, found: OfflineResult) -> int:
    """Minus the number of hosts that servers leave."""
    return -len({one.action.parameters["source_node"] for one in found.planned})


def left_on(*names: str) -> Worse:
    """Servers that stay on some hosts."""

    def count(result: Cloud, _: OfflineResult) -> int:
        ids = {row["id"] for row in result["hosts"] if row["name"] in names}
        return sum(row["host"] in ids for row in result["instances"])

    return count


def too_few_spares(_: Cloud, found: OfflineResult) -> float:
    return sum(float(str(one.facts["missing"])) for one in found.notes if "missing" in one.facts)


def full_pools(result: Cloud, _: OfflineResult) -> int:
    pools = result["storage"]["pools"]
    known = [row for row in pools if isinstance(row["free_gb"], float | int)]
    return sum(row["free_gb"] <= 0.2 * row["total_gb"] for row in known)


class Case(NamedTuple):
    """How a strategy is asked.

    Attributes:
        parameters: of the audit.
        worse: what an extra host must not raise; text: why it may.
        again: why audits of the result may propose something for ever; empty if they must not.
        audits: how many audits until one proposes nothing.
    """

    parameters: Mapping[str, Any]
    worse: Worse | str
    again: str = ""
    audits: int = 1


LIMITS = ("parallel_total", "parallel_per_node", "parallel_per_pool")
WIDE = dict.fromkeys(LIMITS, 99)
NODES = {"compute_nodes": [{"src_node": "c0"}, {"src_node": "c1"}], **WIDE}
POOL = {"storage_pools": [{"src_pool": "stor@b00#p", "dst_pool": "stor@b11#p"}], **WIDE}
TYPE = {"storage_pools": [{"src_pool": "stor@b11#p", "dst_type": "gold"}], **WIDE}
NOP = {"actions": [{"action_type": "nop", "input_parameters": {"message": "hello"}}]}
CPU = {"thresholds": {"instance_cpu_usage": 0.02}}
BOTH = {"metrics": ["instance_cpu_usage", "instance_ram_usage"]}
FROM = {"maintenance_node": "c0"}
COLD = {**FROM, "backup_node": "c1", "disable_live_migration": True}
STOPS = {**FROM, "disable_live_migration": True, "disable_cold_migration": True}
TWICE = 2
"""A server moves once per plan, and a host is tried once: what one plan moves may let the next one
empty another host."""
CASES: Mapping[str, list[Case]] = {
    "dummy": [Case({}, FIXED, FIXED)],
    "dummy_with_scorer": [Case({}, FIXED, FIXED)],
    "dummy_with_resize": [Case({}, FIXED, FIXED)],
    "actuator": [Case(NOP, FIXED, FIXED)],
    "basic": [Case({}, used_hosts, audits=TWICE)],
    "node_resource_consolidation": [Case({"host_choice": "specify"}, used_hosts)],
    "vm_workload_consolidation": [
        Case({}, excess_then_hosts, audits=TWICE),
        Case({"reserve": 1}, LARGER_RESERVE, audits=TWICE),
    ],
    "workload_balance": [
        Case({"threshold": 20.0}, over(20.0)),
        Case({"threshold": 30.0, "metrics": "instance_ram_usage", "margin": 2.0}, OTHER_MEAN),
    ],
    "workload_stabilization": [Case(CPU, OTHER_MEAN), Case(BOTH, OTHER_MEAN)],
    "outlet_temperature": [Case({"max_hosts": 0, "threshold": 30.0}, not_relieved, UNFORESEEN)],
    "uniform_airflow": [
        Case({"max_hosts": 0, "threshold_airflow": 200.0}, not_relieved, UNFORESEEN)
    ],
    "noisy_neighbor": [Case({"max_hosts": 0}, not_relieved, ONE_EACH)],
    "host_maintenance": [
        Case(FROM, left_on("c0")),
        Case(COLD, left_on("c0")),
        Case(STOPS, left_on("c0")),
    ],
    "zone_migration": [
        Case(NODES, left_on("c0", "c1")),
        Case(POOL, "volumes do not move to hosts"),
        Case(TYPE, "volumes do not move to hosts"),
    ],
    "saving_energy": [
        Case({"free_used_percent": 25}, too_few_spares),
        Case({"min_free_hosts_num": 2}, too_few_spares),
    ],
    "storage_capacity_balance": [Case({"volume_threshold": 80.0}, full_pools)],
}
ALL = [
    pytest.param(name, one, id=f"{name}-{at}")
    for name, several in CASES.items()
    for at, one in enumerate(several)
]
SETTLING = [one for one in ALL if not one.values[1].again]  # type: ignore[union-attr]
MEASURED = [one for one in ALL if callable(one.values[1].worse)]  # type: ignore[union-attr]


def plan(name: str, case: Case, data: Cloud) -> OfflineResult:
    return solve_offline(data, name, case.parameters)


def done(data: Cloud, found: OfflineResult) -> Cloud:
    return after(data, [one.action for one in found.planned])


@pytest.mark.parametrize(("name", "case"), SETTLING)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=SEEDS)
@example(seed=53887083)
def test_an_audit_of_the_result_proposes_nothing(name: str, case: Case, seed: int) -> None:
    result = cloud(Random(seed))
    for _ in range(case.audits):
        result = done(result, plan(name, case, result))
    assert plan(name, case, result).reasons() == []


@pytest.mark.parametrize(("name", "case"), MEASURED)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=SEEDS)
def test_an_extra_empty_host_makes_nothing_worse(name: str, case: Case, seed: int) -> None:
    data = cloud(Random(seed))
    worse: Any = case.worse
    figures = []
    for one in (data, with_empty_host(data)):
        found = plan(name, case, one)
        figures.append(worse(done(one, found), found))
    assert figures[1] <= figures[0]


@pytest.mark.parametrize(("name", "case"), ALL)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=SEEDS)
def test_other_names_in_another_order_change_nothing_but_names(
    name: str, case: Case, seed: int
) -> None:
    rng = Random(seed)
    data = cloud(rng)
    renamed = renaming(data)
    other, parameters = renamed(data), renamed(case.parameters)
    shuffle(other, rng)
    first, second = plan(name, case, data), solve_offline(other, name, parameters)
    assert said(second) == renamed(said(first))


def said(found: OfflineResult) -> list[Any]:
    """The plan with all that the strategy says about it, as JSON."""
    return [
        found.actions(),
        found.reasons(),
        [list(one.parents) for one in found.planned],
        [[str(one.subject), str(one.because)] for one in found.rejections],
        [str(note) for note in found.notes],
        dict(found.indicators),
    ]


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_count_in_a_sentence_is_a_whole_number(name: str, case: Case) -> None:
    """The spares of saving_energy were "1.0" hosts."""
    for seed in range(10):
        found = plan(name, case, cloud(Random(seed)))
        causes = [one.action.because for one in found.planned]
        causes += [*(one.because for one in found.rejections), *found.notes]
        counts = [
            one.facts[fact]
            for one in causes
            for fact, unit in declared()[one.reason].facts.items()
            if unit == "number"
        ]
        assert {type(one) for one in counts} <= {int}


def test_the_table_has_every_strategy() -> None:
    assert CASES.keys() == STRATEGIES.keys()


@pytest.mark.parametrize(("name", "case"), ALL)
def test_there_is_something_to_do(name: str, case: Case) -> None:
    """The control: the relations would hold of plans without actions."""
    plans = (plan(name, case, cloud(Random(seed))) for seed in range(60))
    assert any(found.planned for found in plans)
