"""Evens out the CPU load: the most loaded hosts give servers to those with the least load."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from acme_even_load.action import lock
from vigil.plugins import (
    INSTANCE_CPU_USAGE,
    Cause,
    HostLoad,
    JsonObject,
    MetricNeed,
    Moves,
    Reason,
    Requirements,
    Solution,
    Strategy,
    StrategyContext,
    balance,
    spread,
)

SPREAD = Reason(
    "acme.spread",
    "the standard deviation of the hosts' load is {before}, and {after} after the plan",
    before="share of the cores",
    after="share of the cores",
)
USE_UNKNOWN = Reason("acme.use-unknown", "the CPU use of {count} servers is unknown")
CPU = MetricNeed(INSTANCE_CPU_USAGE, "server", "mean", period=3600)


@dataclass(frozen=True)
class EvenLoadParameters:
    """``target``: standard deviation at which to stop; ``max_moves``; ``lock``: moved servers."""

    target: float = 0.02
    max_moves: int = 20
    lock: bool = False


class EvenLoad(Strategy[EvenLoadParameters]):
    """Moves one server at a time, each the one that lowers the spread most."""

    name = "acme.even_load"
    display_name = "Even load"
    goal = "acme.even_load"
    parameters = EvenLoadParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "target": {"type": "number", "minimum": 0, "default": 0.02},
            "max_moves": {"type": "integer", "minimum": 1, "default": 20},
            "lock": {"type": "boolean", "default": False},
        }
    }

    def requirements(self, parameters: EvenLoadParameters) -> Requirements:
        """The CPU use of servers."""
        del parameters
        return Requirements(metrics=(CPU,))

    def solve(self, context: StrategyContext[EvenLoadParameters]) -> Solution:
        """Servers whose use is unknown stay where they are."""
        model, given = context.compute, context.parameters
        percent = context.metrics[CPU]
        need = np.nan_to_num(model.servers.vcpus * percent / 100)
        amount = np.bincount(model.servers.host, weights=need, minlength=len(model.hosts))
        load = HostLoad(amount=amount.astype(np.float64), capacity=model.cores, need=need)
        hosts = model.up & model.enabled
        moves = Moves(context)
        before = spread(load.share, hosts)
        after = balance(moves, load, hosts, target=given.target, max_moves=given.max_moves)
        notes = [Cause(SPREAD, {"before": round(before, 4), "after": round(after, 4)})]
        if unknown := int(np.isnan(percent).sum()):
            notes.append(Cause(USE_UNKNOWN, {"count": unknown}))
        locks = [lock(move) for move in moves.actions] if given.lock else []
        return Solution(
            (*moves.actions, *locks),
            {"spread_before": before, "spread_after": after, "servers_moved": len(moves.actions)},
            tuple(notes),
        )
