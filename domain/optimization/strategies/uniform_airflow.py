"""Evens out the airflow: servers leave the hosts whose fans move most air.

A host that moves much air although it is neither warm nor takes much power is presumed faulty: all
its servers leave it, or none. Any other gives one server per audit, that which uses most CPU,
because nothing predicts an airflow. A host of unknown airflow gives and takes none.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import (
    HOST_AIRFLOW,
    HOST_INLET_TEMP,
    HOST_POWER,
    INSTANCE_CPU_USAGE,
    MetricNeed,
)
from domain.optimization.algorithms.loads import unknown_use
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.offloading import NOTHING_MEASURED, Offloading
from domain.optimization.algorithms.work import Work
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import COOLDOWN, GRANULARITY, MAX_HOSTS, PERIOD
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy

LOWERS_AIRFLOW = Reason(
    "lowers-airflow",
    "{server} ({work}) leaves {source}, whose airflow is {source_airflow} tenths of a CFM, for "
    "{destination}, the one with the least that may take it, at {destination_airflow}; the "
    "threshold is {threshold}",
    source_airflow="0.1 CFM",
    destination_airflow="0.1 CFM",
    threshold="0.1 CFM",
)
LEAVES_FAULTY_HOST = Reason(
    "leaves-faulty-host",
    "{server} leaves {source} for {destination} ({destination_airflow} tenths of a CFM): "
    "{source_airflow} with only {inlet} °C at the inlet and {power} W suggests a fault of {source}",
    destination_airflow="0.1 CFM",
    source_airflow="0.1 CFM",
    inlet="°C",
    power="W",
)
AIRFLOW_STAYS = Reason(
    "airflow-stays",
    "the airflow of {host} is {airflow} tenths of a CFM, the threshold is {threshold}: {why}",
    airflow="0.1 CFM",
    threshold="0.1 CFM",
)
FAULT_UNCERTAIN = Reason(
    "fault-uncertain",
    "it is not known whether {host} is faulty, because its inlet temperature or its power is "
    "unknown: one server leaves it, not all",
)
NONE_OVER_AIRFLOW = Reason(
    "none-over-airflow",
    "the airflow of none of the {hosts} hosts of known airflow reaches {threshold} tenths of a "
    "CFM; {host} has the most, {airflow}",
    hosts="number",
    threshold="0.1 CFM",
    airflow="0.1 CFM",
)


@dataclass(frozen=True)
class AirflowParameters:
    """The parameters of an audit.

    Attributes:
        threshold_airflow: 0.1 CFM; servers leave a host that reaches it.
        threshold_inlet_t, threshold_power: °C and W; below both, such a host is presumed faulty.
        period, granularity: of the metrics, s.
        max_hosts: the most hosts that servers leave in one audit; 0: no limit.
        cooldown: how long a server stays after a migration, s.
    """

    threshold_airflow: float = 400.0
    threshold_inlet_t: float = 28.0
    threshold_power: float = 350.0
    period: float = 300
    granularity: float = 300
    max_hosts: int = 1
    cooldown: float = 0.0

    def host(self, metric: str) -> MetricNeed:
        """A metric of hosts."""
        return MetricNeed(metric, "host", "mean", self.period, self.granularity)

    def use(self) -> MetricNeed:
        """The CPU use of servers, to choose among them."""
        period, width = self.period, self.granularity
        return MetricNeed(INSTANCE_CPU_USAGE, "server", "mean", period, width, required=False)


class UniformAirflow(Strategy[AirflowParameters]):
    """Moves servers from the hosts with most airflow to those with least."""

    name = "uniform_airflow"
    display_name = "Uniform airflow migration strategy"
    goal = "airflow_optimization"
    parameters = AirflowParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "threshold_airflow": {
                "type": "number",
                "default": 400.0,
                "description": "Airflow at which servers leave a host, in tenths of a CFM.",
            },
            "threshold_inlet_t": {
                "type": "number",
                "default": 28.0,
                "description": "Inlet temperature below which such a host may be faulty, in °C.",
            },
            "threshold_power": {
                "type": "number",
                "default": 350.0,
                "description": "Power below which such a host may be faulty, in W.",
            },
            "period": {
                "type": "number",
                "default": 300,
                "description": PERIOD,
            },
            "granularity": {
                "type": "number",
                "default": 300,
                "description": GRANULARITY,
            },
            "max_hosts": MAX_HOSTS,
            "cooldown": COOLDOWN,
        }
    }

    def requirements(self, parameters: AirflowParameters) -> Requirements:
        """Airflow, inlet temperature and power need a source; CPU use is used if available."""
        needs = [parameters.host(name) for name in (HOST_AIRFLOW, HOST_INLET_TEMP, HOST_POWER)]
        return Requirements(metrics=(*needs, parameters.use()), recent_moves=parameters.cooldown)

    def solve(self, context: StrategyContext[AirflowParameters]) -> Solution:
        """The moves, and why servers stay on hosts with much airflow."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        return _Airflow(context).solution()


class _Airflow:
    """One run."""

    def __init__(self, context: StrategyContext[AirflowParameters]) -> None:
        given, model = context.parameters, context.compute
        self._context = context
        self._given = given
        self._moves = Moves(context)
        self._airflow = context.metrics[given.host(HOST_AIRFLOW)]
        self._inlet = context.metrics[given.host(HOST_INLET_TEMP)]
        self._power = context.metrics[given.host(HOST_POWER)]
        self._work = Work.of(context, given.use())
        known = np.flatnonzero(model.up & model.enabled & ~np.isnan(self._airflow))
        self._known = known[np.argsort(self._airflow[known], kind="stable")]
        below = self._airflow[self._known] < given.threshold_airflow
        over = self._known[~below]
        self._over: list[int] = over[np.argsort(-self._airflow[over], kind="stable")].tolist()
        unwanted = {
            "of unknown airflow": np.isnan(self._airflow),
            "not below the threshold": self._airflow >= given.threshold_airflow,
        }
        idle = {"idle": self._work.idle}
        self._off = Offloading(self._moves, self._known[below], unwanted, given.cooldown, idle)
        self._uncertain: list[int] = []

    def solution(self) -> Solution:
        """Moves and remarks."""
        off, moves = self._off, self._moves
        stuck = off.run(self._over, self._relieve, self._given.max_hosts)
        silent = [host for host in stuck if not (self._is_faulty(host) and off.leaving(host))]
        off.reject(silent, AIRFLOW_STAYS, self._figures, self._work.busiest)
        first = () if moves.actions else self._context.alternatives.kept[:1]
        notes = (*(one.because for one in first), *off.notes)
        if not self._over:
            notes = (self._strongest(),)
        name = self._context.compute.hosts.name
        uncertain = (Cause(FAULT_UNCERTAIN, {"host": name[host]}) for host in self._uncertain)
        unknown = unknown_use(HOST_AIRFLOW, self._airflow, "host")
        return Solution(
            tuple(moves.actions),
            notes=(*notes, *uncertain, *unknown, *moves.rules.notes(moves.branch)),
        )

    def _is_faulty(self, host: int) -> bool:
        cool = self._inlet[host] < self._given.threshold_inlet_t
        return bool(cool and self._power[host] < self._given.threshold_power)

    def _relieve(self, host: int) -> bool:
        if self._is_faulty(host):
            return self._off.all(host, LEAVES_FAULTY_HOST, self._symptoms)
        residents = self._moves.residents(host)
        servers = self._work.busiest_first(residents[self._off.free[residents]])
        moved = self._off.one(servers, LOWERS_AIRFLOW, self._effect)
        if moved and np.isnan([self._inlet[host], self._power[host]]).any():
            self._uncertain.append(host)
        return moved

    def _effect(self, server: int, destination: int) -> JsonObject:
        source = int(self._context.compute.servers.host[server])
        return {
            **self._work.facts(server),
            "source_airflow": _rounded(self._airflow[source]),
            "destination_airflow": _rounded(self._airflow[destination]),
            "threshold": self._given.threshold_airflow,
        }

    def _symptoms(self, server: int, destination: int) -> JsonObject:
        source = int(self._context.compute.servers.host[server])
        return {
            "source_airflow": _rounded(self._airflow[source]),
            "destination_airflow": _rounded(self._airflow[destination]),
            "inlet": _rounded(self._inlet[source]),
            "power": _rounded(self._power[source]),
        }

    def _figures(self, host: int) -> JsonObject:
        return {
            "host": self._context.compute.hosts.name[host],
            "airflow": _rounded(self._airflow[host]),
            "threshold": self._given.threshold_airflow,
        }

    def _strongest(self) -> Cause:
        if not len(self._known):
            return Cause(NOTHING_MEASURED, {"metric": HOST_AIRFLOW})
        figures = self._figures(int(self._known[-1]))
        return Cause(NONE_OVER_AIRFLOW, {**figures, "hosts": len(self._known)})


def _rounded(value: float) -> float:
    return round(float(value), 1)
