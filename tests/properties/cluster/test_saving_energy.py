"""saving_energy on any cluster: nothing that is used is switched off, and the spares are right."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from application.kernel.typed_values import typed
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.model import ComputeModel
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.metrics.catalogue import MetricTable
from domain.optimization.context import StrategyContext
from domain.optimization.strategies.saving_energy import HOST_LEFT_OUT, SPARE_STAYS
from domain.plans.verification import verify_plan
from tests.properties.cluster import generate
from tests.properties.cluster.audits import flights, is_json
from tests.world.optimization import weigh
from tests.world.plugins import ACTION_TYPES, STRATEGIES

SAVING = STRATEGIES["saving_energy"]
SEEDS = st.integers(min_value=0, max_value=2**32)
STATES = ("power on", "power on", "power on", "power off", "power off", "error", "")


def without_servers_on_some_hosts(rng: Random, model: ComputeModel) -> ComputeModel:
    empty = [host for host in range(len(model.hosts)) if rng.random() < 0.6]
    rows = np.flatnonzero(~np.isin(model.servers.host, empty))
    return replace(model, servers=model.servers.take(rows))


def nodes(rng: Random, model: ComputeModel) -> list[BaremetalNodeRow]:
    return [
        BaremetalNodeRow(
            f"node-{host}",
            power_state=rng.choice(STATES),
            target_power_state=rng.choice(("", "", "", "power off")),
            maintenance=rng.random() < 0.1,
            extra={"compute_node_id": host},
        )
        for host in model.hosts.id
        if rng.random() < 0.9
    ]


def audit(rng: Random) -> tuple[StrategyContext[Any], list[BaremetalNodeRow]]:
    model = without_servers_on_some_hosts(rng, generate.cluster(rng))
    parameters = typed(
        {
            "free_used_percent": rng.choice((0, 25, 100)),
            "min_free_hosts_num": rng.choice((0, 1, 2)),
        },
        SAVING.parameters,
    )
    power = {one: rng.uniform(50, 500) for one in model.hosts.id if rng.random() < 0.8}
    table = MetricTable.from_values(model, {SAVING.requirements(parameters).metrics[0]: power})
    rows = nodes(rng, model)
    rng.shuffle(rows)
    context = StrategyContext(
        parameters=parameters,
        compute=model,
        baremetal=BaremetalModel.build(rows)[0],
        metrics=table,
        placement=generate.policy(rng, model),
        moves=flights(rng, model),
    )
    return context, rows


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_plans_keep_their_promises_on_any_cluster(seed: int) -> None:
    found, rows = audit(Random(seed))
    again, _ = audit(Random(seed))
    solution, model = SAVING.solve(found), found.compute
    assert solution == SAVING.solve(again)
    if not len(model.hosts):
        assert [note.reason for note in solution.notes] == [MODEL_EMPTY]
        return
    assert solution.actions or solution.notes
    busy = {model.hosts.name[int(host)] for host in model.servers.host}
    busy |= {move.destination for move in found.moves}
    node_of = {
        f"node-{host}": name for host, name in zip(model.hosts.id, model.hosts.name, strict=True)
    }
    states = {row.id: row.power_state for row in rows}
    off = [one for one in solution.actions if one.parameters["state"] == "off"]
    on = [one for one in solution.actions if one.parameters["state"] == "on"]
    assert not (off and on)
    for action in (*off, *on):
        assert node_of[action.resource_id] == action.parameters["resource_name"]
        assert action.parameters["resource_name"] not in busy
        assert states[action.resource_id] == ("power on" if action in off else "power off")
    kept = [one.because for one in found.alternatives.kept]
    for because in (*(one.because for one in solution.actions), *solution.notes, *kept):
        assert is_json(because.facts)
        assert "<" not in str(because)
    spares = sum(because.reason == SPARE_STAYS for because in kept)
    if off and found.alternatives.total == len(kept):
        assert spares == off[0].because.facts["wanted"]
        assert spares + len(off) == off[0].because.facts["on"]
    left_out = {str(because.facts["host"]) for because in kept if because.reason == HOST_LEFT_OUT}
    assert left_out.isdisjoint(str(one.parameters["resource_name"]) for one in solution.actions)
    planned = weigh(solution, model, found.placement)
    assert verify_plan(model, planned, None, found.placement, action_types=ACTION_TYPES) == []


def test_random_clusters_do_have_hosts_to_switch() -> None:
    """The control: most of the tests above would hold of plans without actions."""
    states = [
        action.parameters["state"]
        for seed in range(200)
        for action in SAVING.solve(audit(Random(seed))[0]).actions
    ]
    assert states.count("off") > 10
    assert states.count("on") > 10
    assert states.count("disabled") > 10
