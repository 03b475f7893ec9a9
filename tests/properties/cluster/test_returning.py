"""A return plan brings back all that a stopped plan did, legally, or names what it leaves."""

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.policy import PlacementPolicy
from domain.kernel.aggregate import JsonObject
from domain.kernel.options import NO_OPTIONS
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.returning import Effect, Return, ReturnParameters, ReturnPlanner
from domain.optimization.solution import Solution
from domain.plans.action_types import disable_host, enable_host, migrate
from domain.plans.proposal import PlannedAction, ProposedAction, parameters_of
from domain.plans.reasons import MIGRATION_FAILED, NOT_UNDONE
from domain.plans.verification import verify_plan
from infrastructure.openstack.actions.base import inverse
from tests.world.plugins import ACTION_TYPES
from tests.world.values import host, server

SEEDS = st.integers(min_value=0, max_value=2**32)
BECAUSE = Cause(FREES_HOST)
FAILED = Cause(MIGRATION_FAILED, {"migration": "m", "server": "s", "status": "error"})
REASON = "watcher_disabled"
CAPACITY_SHORT = "capacity-short"


class Cloud:
    """A cloud without broken rules, and what a plan does to it.

    Attributes:
        start: the model before the plan.
        branch: the cloud as it is now.
        effects: what the plan changed, the latest first.
    """

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self._hosts = [self._host(number) for number in range(self.rng.randint(3, 5))]
        self._servers: list[ServerRow] = []
        for number in range(self.rng.randint(2, 12)):
            self._add(server(f"s{number}", "", vcpus=self.rng.choice((1, 2, 4))))
        self.start, _ = ComputeModel.build(self._hosts, self._servers, (), ())
        self.branch = Branch(self.start)
        self.effects: list[Effect] = []

    def _host(self, number: int) -> HostRow:
        state = {"status": "disabled", "disabled_reason": "broken"} if number > 1 else {}
        chosen = state if self.rng.random() < 0.3 else {}
        return host(f"h{number}", vcpus=self.rng.choice((8, 16)), **chosen)

    def _add(self, row: ServerRow) -> None:
        usable = [one for one in self._hosts if one.status == "enabled"]
        for one in self.rng.sample(usable, len(usable)):
            used = sum(each.vcpus or 0 for each in self._servers if each.host == one.name)
            if used + (row.vcpus or 0) <= (one.vcpus or 0):
                self._servers.append(replace(row, host=one.name))
                return

    def act(self) -> None:
        """Does something legal; some of it fails and changes nothing."""
        if self.rng.random() < 0.15:
            self.effects.insert(0, Effect("migrate s -> h", because=FAILED))
        elif self.rng.random() < 0.3:
            self._switch(self.rng.randrange(len(self._hosts)))
        else:
            self._move(self.rng.randrange(len(self._servers)))

    def _switch(self, place: int) -> None:
        disabled = bool(self.branch.enabled[place])
        if disabled:
            action = disable_host(self.start, place, BECAUSE, REASON)
            former: JsonObject = {"state": "enabled"}
        else:
            action = enable_host(self.start, place, BECAUSE)
            former = {
                "state": "disabled",
                "disabled_reason": self.now().hosts.disabled_reason[place],
            }
        self.branch.switch(place, enabled=not disabled)
        self._has_done(action, former)

    def _move(self, moved: int) -> None:
        rules = PlacementPolicy().constraints(self.start)
        legal = np.flatnonzero(rules.legal_hosts(self.branch, moved)).tolist()
        if legal:
            to, names = int(self.rng.choice(legal)), self.start.hosts.name
            step = self.branch.move(moved, to)
            action = migrate(self.start, moved, to, "live", BECAUSE, source=step.source)
            back: JsonObject = {"source_node": names[to], "destination_node": names[step.source]}
            self._has_done(action, back)

    def _has_done(self, action: ProposedAction, back: JsonObject) -> None:
        undo = inverse(action.type, parameters_of(action), back)
        self.effects.insert(0, Effect(action.type, undo))

    def now(self) -> ComputeModel:
        """The model of the cloud as it is now."""
        names = self.start.hosts.name
        hosts = [
            replace(
                one,
                status="enabled" if enabled else "disabled",
                disabled_reason=None if enabled else one.disabled_reason or REASON,
            )
            for one, enabled in zip(self._hosts, self.branch.enabled, strict=True)
        ]
        placed = {
            self.start.servers.id[at]: names[int(to)] for at, to in enumerate(self.branch.host_of)
        }
        servers = [replace(one, host=placed[one.id]) for one in self._servers]
        return ComputeModel.build(hosts, servers, (), ())[0]


def returned(effects: list[Effect], model: ComputeModel) -> tuple[Solution, list[PlannedAction]]:
    """The return plan, on a model."""
    parameters = ReturnParameters("plan", tuple(effects))
    solution = Return().solve(StrategyContext(parameters=parameters, compute=model))
    context = PlanContext(options=NO_OPTIONS, compute=model)
    return solution, list(ReturnPlanner().plan(solution, context))


def after(model: ComputeModel, planned: list[PlannedAction]) -> tuple[dict[str, str], set[str]]:
    """Server → host, and the enabled hosts, when a plan has been executed."""
    places = {
        model.servers.id[at]: model.hosts.name[int(to)] for at, to in enumerate(model.servers.host)
    }
    enabled = {name for name, on in zip(model.hosts.name, model.enabled, strict=True) if on}
    for one in planned:
        given = one.action.parameters
        if one.action.type == "migrate":
            assert places[one.action.resource_id] == given["source_node"]
            places[one.action.resource_id] = str(given["destination_node"])
        else:
            change = enabled.add if given["state"] == "enabled" else enabled.discard
            change(str(given["resource_name"]))
    return places, enabled


@settings(max_examples=150)
@given(SEEDS)
@example(4518)
def test_a_return_plan_brings_back_all_that_any_part_of_a_plan_changed(seed: int) -> None:
    cloud = Cloud(seed)
    for _ in range(cloud.rng.randrange(15)):
        cloud.act()
    model = cloud.now()
    solution, planned = returned(cloud.effects, model)
    assert verify_plan(model, planned, action_types=ACTION_TYPES) == []
    blocked = [one for one in solution.notes if one.facts.get("reason") == CAPACITY_SHORT]
    if not blocked:  # two servers cannot change places on full hosts if the third is disabled now
        assert after(model, planned) == after(cloud.start, [])
    failures = [one for one in solution.notes if one.facts.get("reason") == MIGRATION_FAILED]
    assert len(failures) == sum(one.inverse is None for one in cloud.effects)


@settings(max_examples=100)
@given(SEEDS)
def test_what_others_changed_meanwhile_is_left_alone_and_said(seed: int) -> None:
    cloud = Cloud(seed)
    for _ in range(1 + cloud.rng.randrange(15)):
        cloud.act()
    effects = list(cloud.effects)
    for _ in range(1 + cloud.rng.randrange(4)):
        cloud.act()
    model = cloud.now()
    solution, planned = returned(effects, model)
    assert verify_plan(model, planned, action_types=ACTION_TYPES) == []
    after(model, planned)  # each move starts where its server is
    assert all(one.reason == NOT_UNDONE for one in solution.notes[1:])
    moved = {one.inverse.resource_id for one in effects if one.inverse}
    assert {one.action.resource_id for one in planned} <= moved
