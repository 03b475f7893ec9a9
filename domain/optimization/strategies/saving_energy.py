"""Saves energy: switches hosts without servers off, but for some that are kept as spares.

If fewer spares are on than wanted, others are switched on. Hosts of which something else is to be
known or done first are left as they are. Consolidation makes hosts empty; this strategy does not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.disabled_reasons import DISABLED_BY_CONSOLIDATION
from domain.cluster.kinds import ModelKind
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray, indices_of
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import HOST_POWER, MetricNeed
from domain.optimization.algorithms.loads import future_hosts
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import COMPUTE_ONLY, Requirements, Strategy
from domain.plans.action_types import disable_host, enable_host, switch_power
from domain.plans.proposal import ProposedAction

SWITCHES_OFF = Reason(
    "switches-off",
    "{host} ({power}) has no servers; {on} such hosts are on, of which {wanted} stay on: the "
    "larger of {percent} % of the {used} hosts with servers, and {least}",
    on="number",
    wanted="number",
    percent="%",
    used="number",
    least="number",
)
SWITCHES_ON = Reason(
    "switches-on",
    "{host} is off; {on} hosts without servers are on, of which {wanted} are to be: the larger of "
    "{percent} % of the {used} hosts with servers, and {least}",
    on="number",
    wanted="number",
    percent="%",
    used="number",
    least="number",
)
DISABLED_BEFORE_OFF = Reason(
    "disabled-before-off", "{host} is to get no servers, because it is switched off"
)
ENABLED_AGAIN = Reason("enabled-again", "{host}, which Vigil had disabled, is switched on")
SPARE_STAYS = Reason(
    "spare-stays",
    "{host} has no servers and stays on: it is one of the {wanted} spares",
    wanted="number",
)
HOST_LEFT_OUT = Reason("host-left-out", "{host} is neither switched nor a spare: {why}")
SPARES_SUFFICE = Reason(
    "spares-suffice",
    "{on} hosts without servers are on, as many as are to be: the larger of {percent} % of the "
    "{used} hosts with servers, and {least}",
    on="number",
    percent="%",
    used="number",
    least="number",
)
TOO_FEW_SPARES = Reason(
    "too-few-spares",
    "{missing} more hosts without servers are to be on, but no more are off that could be switched "
    "on",
    missing="number",
)
NO_NODE_OF_A_HOST = Reason(
    "no-node-of-a-host",
    "none of the {nodes} bare-metal nodes names a compute host of the scope: Ironic's by the "
    "hypervisor's id in extra.compute_node_id, MAAS's by its FQDN",
    nodes="number",
)

DISABLED_BY_VIGIL: Final = DISABLED_BY_CONSOLIDATION
"""Reason of the hosts that Vigil disables, and enables again."""
_NO_REASON: Final = "no reason is given"
_ON: Final = frozenset({"power on", "rebooting", "soft reboot", "soft rebooting"})
_OFF: Final = frozenset({"power off", "soft power off"})


@dataclass(frozen=True)
class EnergyParameters:
    """The parameters of an audit.

    Attributes:
        free_used_percent: spares, % of the number of hosts with servers.
        min_free_hosts_num: the least number of spares.
    """

    free_used_percent: float = 10.0
    min_free_hosts_num: float = 1

    def power(self) -> MetricNeed:
        """The power of hosts, to choose among them."""
        return MetricNeed(HOST_POWER, "host", "mean", 3600, 300, required=False)

    def spares(self, used: int) -> int:
        """The number of hosts without servers that are to be on."""
        share = used * self.free_used_percent / 100.0
        return max(0, math.floor(max(share, self.min_free_hosts_num)))


class SavingEnergy(Strategy[EnergyParameters]):
    """Switches hosts without servers off, and spares on."""

    name = "saving_energy"
    display_name = "Saving Energy Strategy"
    goal = "saving_energy"
    parameters = EnergyParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "free_used_percent": {
                "description": "Spare hosts that stay on, in percent of the hosts with servers.",
                "type": "number",
                "default": 10.0,
            },
            "min_free_hosts_num": {
                "description": "Minimum number of spare hosts that stay on.",
                "type": "number",
                "default": 1,
            },
        }
    }

    def requirements(self, parameters: EnergyParameters) -> Requirements:
        """The bare-metal model; power is used if available."""
        models = COMPUTE_ONLY | {ModelKind.BAREMETAL}
        return Requirements(models=models, metrics=(parameters.power(),))

    def solve(self, context: StrategyContext[EnergyParameters]) -> Solution:
        """The hosts to switch, and why the others are left as they are."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        return _Saving(context, context.baremetal or BaremetalModel.build(())[0]).solution()


class _Saving:
    """One run. ``_node`` is node of each host; hosts without one are left out silently."""

    def __init__(
        self, context: StrategyContext[EnergyParameters], baremetal: BaremetalModel
    ) -> None:
        self._context = context
        self._model = context.compute
        self._nodes = baremetal.nodes
        self._branch = context.branch()
        self._power = context.metrics[context.parameters.power()]
        hosts = self._model.hosts
        places = {**indices_of(hosts.hypervisor_hostname), **self._model.host_places}
        self._node = {
            places[hypervisor]: node
            for hypervisor, node in sorted(baremetal.by_compute_node.items())
            if hypervisor in places
        }
        self._used = self._occupied()

    def solution(self) -> Solution:
        """Actions, rejections and remarks."""
        if not self._node:
            facts: JsonObject = {"nodes": len(self._nodes)}
            return Solution((), notes=(Cause(NO_NODE_OF_A_HOST, facts),))
        left_out = {host: why for host in self._node if (why := self._why_left_out(host))}
        free = [host for host in sorted(self._node) if not (self._used[host] or host in left_out)]
        spares = [host for host in free if self._is_on(host)]
        wanted = self._context.parameters.spares(sum(bool(self._used[one]) for one in self._node))
        surplus = self._dearest_first(spares)[: max(0, len(spares) - wanted)]
        missing = max(0, wanted - len(spares))
        more = [host for host in free if host not in spares][:missing]
        figures = self._figures(len(spares), wanted)
        actions = [action for host in surplus for action in self._off(host, figures)]
        actions += [action for host in more for action in self._on(host, figures)]
        self._reject(left_out, [one for one in spares if one not in surplus], figures)
        notes: tuple[Cause, ...] = ()
        if missing > len(more):
            notes = (Cause(TOO_FEW_SPARES, {"missing": missing - len(more)}),)
        elif not actions:
            notes = (Cause(SPARES_SUFFICE, figures),)
        return Solution(tuple(actions), notes=notes)

    def _occupied(self) -> BoolArray:
        """bool[hosts]: have servers, or get some, or have allocations of others."""
        hosts, arriving = self._model.hosts, future_hosts(self._context)
        there = np.bincount(arriving, minlength=len(hosts)) + self._branch.count
        occupied: BoolArray = there + hosts.unseen > 0
        return occupied | hosts.other_allocations.where(bool)

    def _why_left_out(self, host: int) -> str:
        """Why a host is left as it is; empty if it may be switched, or has servers."""
        node, nodes, hosts = self._node[host], self._nodes, self._model.hosts
        state, target = nodes.power_state[node], nodes.target_power_state[node]
        disabled = hosts.disabled_reason[host] or ""
        is_ours = self._branch.enabled[host] or disabled.startswith(DISABLED_BY_VIGIL)
        why = nodes.maintenance_reason[node] or nodes.fault[node] or _NO_REASON
        causes = (
            (nodes.maintenance[node], f"its node is in maintenance ({why})"),
            (nodes.instance_id[node], f"its node is deployed as server {nodes.instance_id[node]}"),
            (target not in {"", state}, f"its node is changing from {state or '?'} to {target}"),
            (state not in _ON | _OFF, f"the power state of its node is {state or 'unknown'}"),
            (not is_ours, f"it is disabled ({disabled or _NO_REASON})"),
            (state in _ON and not self._branch.up[host], "its node is on, its nova-compute down"),
        )
        return "" if self._used[host] else next((said for holds, said in causes if holds), "")

    def _is_on(self, host: int) -> bool:
        return self._nodes.power_state[self._node[host]] in _ON

    def _dearest_first(self, hosts: Sequence[int]) -> list[int]:
        """Hosts that get no servers first, then those that take most power; unknown power last."""
        power = np.nan_to_num(self._power, nan=-1.0)
        return sorted(hosts, key=lambda host: (self._branch.enabled[host], -power[host], host))

    def _figures(self, on: int, wanted: int) -> JsonObject:
        given = self._context.parameters
        return {
            "on": on,
            "wanted": wanted,
            "used": sum(bool(self._used[host]) for host in self._node),
            "percent": given.free_used_percent,
            "least": math.floor(given.min_free_hosts_num),
        }

    def _off(self, host: int, figures: JsonObject) -> list[ProposedAction]:
        name, watts = self._model.hosts.name[host], float(self._power[host])
        known = not math.isnan(watts)
        power: JsonObject = {"power": f"{watts:.0f} W" if known else "of unknown power"}
        switch = self._switch(host, SWITCHES_OFF, {**figures, **power})
        if not self._branch.enabled[host]:
            return [switch]
        because = Cause(DISABLED_BEFORE_OFF, {"host": name})
        return [disable_host(self._model, host, because, DISABLED_BY_VIGIL), switch]

    def _on(self, host: int, figures: JsonObject) -> list[ProposedAction]:
        switch = self._switch(host, SWITCHES_ON, figures)
        if self._branch.enabled[host]:
            return [switch]
        because = Cause(ENABLED_AGAIN, {"host": self._model.hosts.name[host]})
        return [switch, enable_host(self._model, host, because)]

    def _switch(self, host: int, reason: Reason, facts: JsonObject) -> ProposedAction:
        name = self._model.hosts.name[host]
        node = self._nodes.id[self._node[host]]
        because = Cause(reason, {"host": name, **facts})
        return switch_power(node, name, because, on=reason is SWITCHES_ON)

    def _reject(self, left_out: dict[int, str], kept: Sequence[int], figures: JsonObject) -> None:
        for host, why in sorted(left_out.items()):
            subject = self._context.host(host)
            self._context.considered(subject, HOST_LEFT_OUT, host=subject.name, why=why)
        for host in kept:
            subject = self._context.host(host)
            wanted = figures["wanted"]
            self._context.considered(subject, SPARE_STAYS, host=subject.name, wanted=wanted)
