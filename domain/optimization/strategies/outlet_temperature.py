"""Cools hosts: a server leaves each host whose outlet air is too warm for the coolest host.

Nothing predicts a temperature: a host gives one server per audit, that which uses most CPU, and a
host takes one. A host of unknown temperature gives and takes none.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import HOST_OUTLET_TEMP, INSTANCE_CPU_USAGE, MetricNeed
from domain.optimization.algorithms.loads import unknown_use
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.offloading import NOTHING_MEASURED, Offloading
from domain.optimization.algorithms.work import Work
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import COOLDOWN, GRANULARITY, MAX_HOSTS
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy

COOLS_HOST = Reason(
    "cools-host",
    "{server} ({work}) leaves {source}, whose outlet air has {source_temperature} °C, for "
    "{destination}, the coolest that may take it, at {destination_temperature} °C; the threshold "
    "is {threshold} °C",
    source_temperature="°C",
    destination_temperature="°C",
    threshold="°C",
)
STAYS_TOO_WARM = Reason(
    "stays-too-warm",
    "the outlet air of {host} has {temperature} °C, the threshold is {threshold} °C: {why}",
    temperature="°C",
    threshold="°C",
)
NONE_TOO_WARM = Reason(
    "none-too-warm",
    "the outlet air of none of the {hosts} hosts of known temperature reaches {threshold} °C; the "
    "warmest, {host}, has {temperature} °C",
    hosts="number",
    threshold="°C",
    temperature="°C",
)


@dataclass(frozen=True)
class OutletParameters:
    """The parameters of an audit.

    Attributes:
        threshold: of the outlet temperature, °C; a host that reaches it gives a server.
        period, granularity: of the metrics, s; they are the means of the longer of the two.
        max_hosts: the most hosts that a server leaves in one audit; 0: no limit.
        margin: how far below the threshold destinations are, °C.
        cooldown: how long a server stays after a migration, s.
    """

    threshold: float = 35.0
    period: float = 30
    granularity: float = 300
    max_hosts: int = 1
    margin: float = 0.0
    cooldown: float = 0.0

    def temperature(self) -> MetricNeed:
        """The outlet temperature of hosts."""
        period = max(self.period, self.granularity)
        return MetricNeed(HOST_OUTLET_TEMP, "host", "mean", period, self.granularity)

    def use(self) -> MetricNeed:
        """The CPU use of servers, to choose among them."""
        period, width = max(self.period, self.granularity), self.granularity
        return MetricNeed(INSTANCE_CPU_USAGE, "server", "mean", period, width, required=False)


class OutletTemperature(Strategy[OutletParameters]):
    """Moves the busiest server of the warmest hosts to the coolest ones."""

    name = "outlet_temperature"
    display_name = "Outlet temperature based strategy"
    goal = "thermal_optimization"
    parameters = OutletParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "threshold": {
                "type": "number",
                "default": 35.0,
                "description": "Outlet temperature at which a host gives a server, in °C.",
            },
            "period": {
                "type": "number",
                "default": 30,
                "description": "Period of the metrics, in seconds; at least the granularity.",
            },
            "granularity": {
                "type": "number",
                "default": 300,
                "description": GRANULARITY,
            },
            "max_hosts": MAX_HOSTS,
            "margin": {
                "type": "number",
                "minimum": 0,
                "default": 0.0,
                "description": "How far below the threshold destinations are, in °C.",
            },
            "cooldown": COOLDOWN,
        }
    }

    def requirements(self, parameters: OutletParameters) -> Requirements:
        """The temperature needs a source; CPU use is used if available."""
        needs = (parameters.temperature(), parameters.use())
        return Requirements(metrics=needs, recent_moves=parameters.cooldown)

    def solve(self, context: StrategyContext[OutletParameters]) -> Solution:
        """The moves, and why hosts stay too warm."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        return _Cooling(context).solution()


class _Cooling:
    """One run."""

    def __init__(self, context: StrategyContext[OutletParameters]) -> None:
        model = context.compute
        self._context = context
        self._given = context.parameters
        self._temperature = context.metrics[self._given.temperature()]
        self._work = Work.of(context, self._given.use())
        measured = model.up & model.enabled & ~np.isnan(self._temperature)
        self._coolest = np.flatnonzero(measured)
        self._coolest = self._coolest[np.argsort(self._temperature[self._coolest], kind="stable")]

    def solution(self) -> Solution:
        """Moves and remarks."""
        given, moves, temperature = self._given, Moves(self._context), self._temperature
        warm = self._coolest[temperature[self._coolest] >= given.threshold]
        warm = warm[np.argsort(-temperature[warm], kind="stable")]
        limit = given.threshold - given.margin
        unwanted = {
            "of unknown outlet temperature": np.isnan(temperature),
            f"not below {limit:g} °C": temperature >= limit,
        }
        wanted = self._coolest[temperature[self._coolest] < limit]
        off = Offloading(moves, wanted, unwanted, given.cooldown, {"idle": self._work.idle})

        def cool(host: int) -> bool:
            residents = moves.residents(host)
            servers = self._work.busiest_first(residents[off.free[residents]])
            return off.one(servers, COOLS_HOST, self._facts)

        stuck = off.run(warm.tolist(), cool, given.max_hosts)
        causes = off.reject(stuck, STAYS_TOO_WARM, self._figures, self._work.busiest)
        notes = (*([] if moves.actions else causes[:1]), *off.notes)
        if not len(warm):
            notes = (self._warmest(),)
        unknown = unknown_use(HOST_OUTLET_TEMP, temperature, "host")
        return Solution(
            tuple(moves.actions), notes=(*notes, *unknown, *moves.rules.notes(moves.branch))
        )

    def _facts(self, server: int, destination: int) -> JsonObject:
        source = int(self._context.compute.servers.host[server])
        return {
            **self._work.facts(server),
            "source_temperature": _rounded(self._temperature[source]),
            "destination_temperature": _rounded(self._temperature[destination]),
            "threshold": self._given.threshold,
        }

    def _figures(self, host: int) -> JsonObject:
        return {
            "host": self._context.compute.hosts.name[host],
            "temperature": _rounded(self._temperature[host]),
            "threshold": self._given.threshold,
        }

    def _warmest(self) -> Cause:
        if not len(self._coolest):
            return Cause(NOTHING_MEASURED, {"metric": HOST_OUTLET_TEMP})
        figures = self._figures(int(self._coolest[-1]))
        return Cause(NONE_TOO_WARM, {**figures, "hosts": len(self._coolest)})


def _rounded(temperature: float) -> float:
    return round(float(temperature), 1)
