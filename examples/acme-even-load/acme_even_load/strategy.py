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
    SpreadAtMost,
    Strategy,
    StrategyContext,
    Sums,
    balance,
    capacity,
    rested,
    server_use,
    unknown_use,
)

SPREAD = Reason(
    "acme.spread",
    "the standard deviation of the hosts' load is {before}, and {after} after the plan",
    before="share of the cores",
    after="share of the cores",
)
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
        """Servers whose use is unknown stay, and their hosts are left out."""
        model, given = context.compute, context.parameters
        use = server_use(context, CPU)
        sums = Sums.of(context, use)
        hosts = model.up & model.enabled & sums.whole
        load = HostLoad.single(CPU.name, sums.amount, capacity(model, CPU.name), use, hosts)
        moves = Moves(context)
        movable = moves.rules.movable & rested(context, 0.0)
        target = SpreadAtMost(np.array([given.target]))
        before = load.shares(load.amount).spread
        after = balance(moves, load, target, movable, max_moves=given.max_moves).spread
        figures: JsonObject = {"before": round(before, 4), "after": round(after, 4)}
        notes = [Cause(SPREAD, figures), *unknown_use(CPU.name, use, "server")]
        locks = [lock(move) for move in moves.actions] if given.lock else []
        return Solution(
            (*moves.actions, *locks),
            {"spread_before": before, "spread_after": after, "servers_moved": len(moves.actions)},
            tuple(notes),
        )
