"""Moves servers and volumes out of a zone: the hosts and pools that the parameters list.

A plan holds at most so many migrations, in total, per host and per pool; the next audit goes on.
"""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from domain.cluster.kinds import ModelKind
from domain.cluster.placement.movability import COLD, LIVE
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.zone_departures import Run, Servers, Volumes
from domain.optimization.strategies.zone_migration_parameters import (
    SCHEMA,
    ZoneParameters,
)
from domain.optimization.strategy import COMPUTE_ONLY, Requirements, Strategy

ZONE_MIGRATION_PLANNED = Reason(
    "zone-migration-planned",
    "of the zone's {servers} servers {servers_moved} are migrated, of its {volumes} volumes "
    "{volumes_moved} are migrated or retyped; {waiting} wait for the next audit, {stay} cannot "
    "leave now",
    servers="number",
    servers_moved="number",
    volumes="number",
    volumes_moved="number",
    waiting="number",
    stay="number",
)
PLAN_IS_FULL = Reason(
    "plan-is-full",
    "{waiting} servers and volumes wait, because a plan has at most {parallel_total} migrations, "
    "{parallel_per_node} per host and {parallel_per_pool} per pool",
    waiting="number",
    parallel_total="number",
    parallel_per_node="number",
    parallel_per_pool="number",
)
ZONE_EMPTY = Reason(
    "zone-empty",
    "there are no servers on the {hosts} hosts, and no volumes in the {pools} pools, of the zone",
    hosts="number",
    pools="number",
)


class ZoneMigration(Strategy[ZoneParameters]):
    """Moves servers off hosts and volumes out of pools."""

    name = "zone_migration"
    display_name = "Zone migration"
    goal = "hardware_maintenance"
    parameters = ZoneParameters
    parameters_schema: ClassVar[JsonObject] = SCHEMA

    def requirements(self, parameters: ZoneParameters) -> Requirements:
        """The storage model, if pools are listed."""
        if parameters.storage_pools:
            return Requirements(models=COMPUTE_ONLY | {ModelKind.STORAGE})
        return Requirements()

    def solve(self, context: StrategyContext[ZoneParameters]) -> Solution:
        """The migrations, and what stays.

        Raises:
            InvalidValue: a destination is not in the models.
        """
        run = Run(context)
        servers = Servers(context, run)
        volumes = Volumes(context, run, servers) if context.parameters.storage_pools else None
        if volumes is not None:
            volumes.plan()
        servers.plan(servers.targets)
        return _solution(context, run, servers, volumes)


def _solution(
    context: StrategyContext[ZoneParameters],
    run: Run,
    servers: Servers,
    volumes: Volumes | None,
) -> Solution:
    if volumes is not None:
        volumes.explain()
    servers.explain()
    actions = (*(volumes.moves.actions if volumes else ()), *servers.moves.actions)
    notes = (*_outcome(context, servers, volumes), *run.notes)
    remarks = servers.moves.rules.notes(servers.moves.branch)
    return Solution(actions, _indicators(servers, volumes), (*notes, *remarks))


def _outcome(
    context: StrategyContext[ZoneParameters], servers: Servers, volumes: Volumes | None
) -> tuple[Cause, ...]:
    """What leaves the zone, and what waits for the next audit."""
    given, pools = context.parameters, volumes.all if volumes else []
    if not servers.all and not pools:
        hosts = int(np.count_nonzero(servers.zone))
        found = int(np.count_nonzero(volumes.zone)) if volumes else 0
        return (Cause(ZONE_EMPTY, {"hosts": hosts, "pools": found}),)
    waiting = len(servers.waiting) + (len(volumes.waiting) if volumes else 0)
    moved = len(servers.moves.actions), len(volumes.moved) if volumes else 0
    figures: JsonObject = {
        "servers": len(servers.all),
        "servers_moved": moved[0],
        "volumes": len(pools),
        "volumes_moved": moved[1],
        "waiting": waiting,
        "stay": len(servers.all) + len(pools) - sum(moved) - waiting,
    }
    planned = Cause(ZONE_MIGRATION_PLANNED, figures)
    if not waiting:
        return (planned,)
    limits = ("parallel_total", "parallel_per_node", "parallel_per_pool")
    facts = {"waiting": waiting, **{name: getattr(given, name) for name in limits}}
    return (planned, Cause(PLAN_IS_FULL, facts))


def _indicators(servers: Servers, volumes: Volumes | None) -> Mapping[str, float]:
    """Candidates and planned migrations, of each kind."""
    kinds = servers.moves.rules.movability.migration_type
    candidates = Counter(kinds(one) for one in servers.targets)
    planned = Counter(action.parameters["migration_type"] for action in servers.moves.actions)
    found = {
        f"{prefix}{kind}_migrate_instance_count": counts[kind]
        for kind in (LIVE, COLD)
        for prefix, counts in (("", candidates), ("planned_", planned))
    }
    attached = volumes.moves.model.volumes.servers if volumes else ()
    for prefix, several in (
        ("", volumes.targets if volumes else []),
        ("planned_", volumes.moved if volumes else []),
    ):
        held = sum(bool(attached[one]) for one in several)
        found[f"{prefix}volume_update_count"] = held
        found[f"{prefix}volume_migrate_count"] = len(several) - held
    return found
