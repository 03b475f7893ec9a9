"""Every step of a branch is undone exactly, and a log of steps replays to the same branch."""

import json
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.steps import PowerSwitch, Step
from tests.properties.cluster import generate

SEEDS = st.integers(min_value=0, max_value=2**32)
STEPS = 40

State = dict[str, object]


def state(branch: Branch) -> State:
    """All figures of a branch, bit by bit."""
    figures: State = {
        "host_of": branch.host_of.tobytes(),
        "amounts": branch.amounts.tobytes(),
        "limits": branch.limits.tobytes(),
        "needs": branch.needs.tobytes(),
        "count": branch.count.tobytes(),
        "enabled": branch.enabled.tobytes(),
        "up": branch.up.tobytes(),
        "running": branch.running.tobytes(),
        "flavors": dict(branch.flavors),
        "guests": [need and need.guest for need in map(branch.guest, range(len(branch.needs)))],
        "steps": branch.steps,
    }
    if branch.numa is not None:
        figures["free cells"] = branch.numa.free.tobytes()
        figures["asked"] = branch.numa.asked.tobytes()
        figures["loose"] = branch.numa.loose.tobytes()
        figures["loose cells"] = branch.numa.loose_cells.tobytes()
    if branch.storage is not None:
        figures["pool_of"] = branch.storage.pool_of.tobytes()
        figures["types"] = dict(branch.storage.types)
        figures["volumes"] = branch.storage.count.tobytes()
        figures["free"] = branch.storage.free_gb.tobytes()
        figures["virtual free"] = branch.storage.virtual_free_gb.tobytes()
        figures["provisioned"] = branch.storage.provisioned_gb.tobytes()
    return figures


def step(rng: Random, branch: Branch) -> None:
    """A step of any kind; it may do nothing."""
    hosts, servers = len(branch.model.hosts), len(branch.model.servers)
    kind = rng.randrange(8)
    if kind < 2:
        step_of_volume(rng, branch)
    elif kind == 2 and hosts:
        branch.switch(rng.randrange(hosts), enabled=rng.random() < 0.5)
    elif kind == 3 and hosts:
        branch.power(rng.randrange(hosts), on=rng.random() < 0.5)
    elif servers:
        step_of_server(rng, branch)


def step_of_server(rng: Random, branch: Branch) -> None:
    server = rng.randrange(len(branch.model.servers))
    match rng.randrange(4):
        case 0:
            branch.move(server, rng.randrange(len(branch.model.hosts)))
        case 1:
            branch.resize(server, generate.flavor(rng, branch.model))
        case 2:
            branch.stop(server)
        case _:
            branch.start(server)


def step_of_volume(rng: Random, branch: Branch) -> None:
    storage = branch.storage
    if storage is None or not len(storage.model.volumes):
        return
    volume = rng.randrange(len(storage.model.volumes))
    if rng.random() < 0.5:
        storage.retype(volume, rng.choice(("gold", "silver", "bronze")))
    else:
        storage.move(volume, rng.randrange(len(storage.model.pools)))


def new_branch(rng: Random, *, rounded: bool = True) -> Branch:
    model = generate.cluster(rng)
    load = generate.load(rng, model)
    if not rounded:
        need = np.array([[rng.random(), rng.random() * 4096] for _ in model.servers.id])
        zeros = np.zeros((2, len(model.hosts)))
        load = MeasuredLoad(need.reshape(len(model.servers), 2), zeros, zeros)
    return Branch(model, load, generate.storage(rng))


def undoes_exactly(rng: Random, branch: Branch) -> bool:
    """Whether undoing one step after the other restores each earlier state."""
    states = {branch.mark(): state(branch)}
    for _ in range(STEPS):
        step(rng, branch)
        states[branch.mark()] = state(branch)
    while branch.mark():
        branch.undo()
        if state(branch) != states[branch.mark()]:
            return False
    return True


@settings(max_examples=300, deadline=None)
@given(seed=SEEDS)
def test_undoing_a_step_restores_the_state_before_it_bit_by_bit(seed: int) -> None:
    rng = Random(seed)
    assert undoes_exactly(rng, new_branch(rng))


def test_figures_that_are_not_rounded_are_not_restored() -> None:
    """The control: sums of any fractions depend on the order."""
    found = [undoes_exactly(rng, new_branch(rng, rounded=False)) for rng in map(Random, range(20))]
    assert not all(found)


class ForgetsPower(Branch):
    """A seeded defect: undoing a step does not switch a host back."""

    def undo(self) -> Step:
        step = super().undo()
        if isinstance(step, PowerSwitch):
            self.up[step.host] = step.on
        return step


def test_a_host_that_is_not_switched_back_is_seen() -> None:
    """The control: one attribute that is not restored is enough."""
    found = []
    for rng in map(Random, range(20)):
        branch = new_branch(rng)
        found.append(undoes_exactly(rng, ForgetsPower(branch.model, branch.load)))
    assert not all(found)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_a_logged_sequence_of_steps_replays_to_the_same_state(seed: int) -> None:
    rng = Random(seed)
    first = new_branch(rng)
    for _ in range(STEPS):
        step(rng, first)
    assert first.storage is not None
    second = Branch(first.model, first.load, first.storage.model)
    second.replay(json.loads(json.dumps(first.to_log())))
    assert state(second) == state(first)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_the_demand_of_a_flavor_is_that_of_the_servers_that_have_it(seed: int) -> None:
    model = generate.cluster(Random(seed))
    branch = Branch(model)
    for server in range(len(model.servers)):
        demand = branch.flavor(server).demand(model.resources)
        assert demand.tobytes() == model.demand[server].tobytes()
