"""Prepares a host for maintenance: closes it for new servers and moves its servers off.

With a backup host all of them go there. Without one, or if the backup cannot take them all, they
are spread over the hosts with the most room.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from domain.cluster.compute.disabled_reasons import DISABLED_FOR_MAINTENANCE
from domain.cluster.placement.movability import COLD
from domain.cluster.table.columns import BoolArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.draining import IN_FLIGHT, leave, places
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import largest_first, sizes
from domain.optimization.algorithms.refusals import tally
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy
from domain.plans.action_types import disable_host, enable_host, stop_server
from domain.plans.proposal import ProposedAction

CLOSES_HOST = Reason(
    "closes-host-for-maintenance",
    "{host}, which has {servers} servers, is to get no new ones during its maintenance",
    servers="number",
)
OPENS_BACKUP = Reason(
    "opens-backup-host",
    "{host} is disabled and is the backup for the {servers} servers of {maintained}",
    servers="number",
)
STOPS_SERVER = Reason(
    "stops-server-for-maintenance",
    "{server} may be migrated neither live nor cold, so it is stopped on {host}",
)
MAINTENANCE_PREPARED = Reason(
    "maintenance-prepared",
    "{host} is closed and has no servers after the plan: {moved} leave it{destinations}",
    moved="number",
)
MAINTENANCE_INCOMPLETE = Reason(
    "maintenance-incomplete",
    "{host} is not empty after the plan: {moved} servers leave it{destinations}; {left} stay, of "
    "which the plan stops {stopped}: {why}",
    moved="number",
    left="number",
    stopped="number",
)
ALREADY_IN_MAINTENANCE = Reason(
    "already-in-maintenance", "{host} is disabled ({disabled_reason}) and has no servers"
)
DISABLED_FOR_ANOTHER_REASON = Reason(
    "disabled-for-another-reason",
    "{host} was disabled before the plan, with the reason {disabled_reason}, which the plan leaves",
)
BACKUP_NOT_USED = Reason(
    "backup-not-used",
    "{backup} is not used as the backup, because it cannot take all {servers} servers that can "
    "leave {host}: beside {others} of them, {server} may not go there: {detail}",
    servers="number",
    others="number",
)
SERVERS_IN_FLIGHT = Reason(
    "servers-in-flight",
    "{count} servers are in flight to {host} now; audit again when they have arrived",
    count="number",
)


@dataclass(frozen=True)
class MaintenanceParameters:
    """The parameters of an audit.

    Attributes:
        maintenance_node: service host name of the host.
        backup_node: that of the host for its servers; empty: any.
        disable_live_migration: active servers are migrated cold.
        disable_cold_migration: servers that are stopped stay; with ``disable_live_migration``
            active servers are stopped.
    """

    maintenance_node: str = ""
    backup_node: str = ""
    disable_live_migration: bool = False
    disable_cold_migration: bool = False


class HostMaintenance(Strategy[MaintenanceParameters]):
    """Closes a host and moves its servers off."""

    name = "host_maintenance"
    display_name = "Host Maintenance Strategy"
    goal = "cluster_maintaining"
    parameters = MaintenanceParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "maintenance_node": {
                "description": "Name of the compute host to be maintained.",
                "type": "string",
            },
            "backup_node": {
                "description": "Name of the compute host to which its servers are moved. It is "
                "enabled if it is disabled. Without it, they are spread over all other hosts.",
                "type": "string",
            },
            "disable_live_migration": {
                "description": "Do not migrate live: active servers are migrated cold, with an "
                "interruption.",
                "type": "boolean",
                "default": False,
            },
            "disable_cold_migration": {
                "description": "Do not migrate cold: servers that are stopped stay. If live "
                "migration is disabled, too, active servers are stopped.",
                "type": "boolean",
                "default": False,
            },
        },
        "required": ["maintenance_node"],
    }

    def requirements(self, parameters: MaintenanceParameters) -> Requirements:
        """The compute model alone.

        Raises:
            InvalidValue: the host is its own backup.
        """
        if parameters.backup_node and parameters.backup_node == parameters.maintenance_node:
            raise InvalidValue("backup_node", "must be another host than maintenance_node")
        return Requirements()

    def solve(self, context: StrategyContext[MaintenanceParameters]) -> Solution:
        """The actions, and which servers stay.

        Raises:
            InvalidValue: a host is not in the model.
        """
        return _Maintenance(context).solution()


class _Maintenance:
    """One run."""

    def __init__(self, context: StrategyContext[MaintenanceParameters]) -> None:
        given = context.parameters
        self._context = context
        self._given = given
        self._model = context.compute
        self._host = self._place("maintenance_node")
        self._backup = self._place("backup_node") if given.backup_node else None
        self._moves = Moves(context, kind=COLD if given.disable_live_migration else None)
        self._kept = self._not_to_move()
        here = self._moves.residents(self._host)
        movable = self._moves.rules.movable & ~np.logical_or.reduce(list(self._kept.values()))
        self._leaving = largest_first(here[movable[here]], sizes(self._moves.branch))
        self._enables: list[ProposedAction] = []
        self._notes: list[Cause] = []

    def _place(self, parameter: str) -> int:
        name = getattr(self._given, parameter)
        if name not in self._model.hosts.name:
            rule = f"must name a compute host in the audit's scope, which {name!r} is not"
            raise InvalidValue(parameter, rule)
        return self._model.hosts.name.index(name)

    def _not_to_move(self) -> Mapping[str, BoolArray]:
        """What is said of servers that could be migrated but are not → bool[servers]."""
        given = self._given
        active = self._model.servers.state.where(lambda state: state == "active")
        kept: dict[str, BoolArray] = {IN_FLIGHT: self._context.in_flight()}
        if given.disable_cold_migration:
            kept["stopped, and cold migration is disabled"] = ~active
        if given.disable_cold_migration and given.disable_live_migration:
            kept["active, and live and cold migration are disabled"] = active
        return kept

    def solution(self) -> Solution:
        """The actions: enable the backup, close the host, stop or move its servers."""
        servers = len(self._moves.residents(self._host))
        if not servers and not self._moves.branch.enabled[self._host]:
            reason = self._disabled_reason() or "without a reason"
            note = self._cause(ALREADY_IN_MAINTENANCE, disabled_reason=reason)
            return Solution((), notes=(note, *self._arriving()))
        found = self._destinations()
        closes = self._close(servers)
        stay = leave(self._moves, self._host, found, kept=self._kept)
        stops = self._stops(stay)
        actions = (*self._enables, *closes, *stops, *self._moves.actions)
        return Solution(actions, notes=(self._outcome(stay, len(stops)), *self._remarks()))

    def _destinations(self) -> Mapping[int, int]:
        """Server → destination: the backup for all, or hosts with much room."""
        if self._backup is not None and self._leaving:
            found = self._to_backup(self._backup)
            if found:
                return found
        return places(self._moves, self._leaving, np.ones(len(self._model.hosts), dtype=np.bool_))

    def _to_backup(self, backup: int) -> Mapping[int, int]:
        branch = self._moves.branch
        mark, opens = branch.mark(), not branch.enabled[backup]
        branch.switch(backup, enabled=True)
        only = np.arange(len(self._model.hosts)) == backup
        found = places(self._moves, self._leaving, only)
        if len(found) < len(self._leaving):
            self._notes.append(self._backup_refused(backup, found))
            branch.rollback(mark)
            return {}
        if opens:
            name = self._model.hosts.name
            facts = {"host": name[backup], "maintained": name[self._host]}
            because = Cause(OPENS_BACKUP, {**facts, "servers": len(found)})
            self._enables.append(enable_host(self._model, backup, because))
        return found

    def _backup_refused(self, backup: int, found: Mapping[int, int]) -> Cause:
        """Why the backup is not used: the largest server without a place beside the others."""
        branch = self._moves.branch
        mark = branch.mark()
        for server in found:
            branch.move(server, backup)
        left = next(server for server in self._leaving if server not in found)
        why = self._moves.rules.why_not(branch, left, backup)
        branch.rollback(mark)
        return self._cause(
            BACKUP_NOT_USED,
            backup=self._model.hosts.name[backup],
            servers=len(self._leaving),
            others=len(found),
            server=self._moves.name(left),
            rule=why[0].reason if why else "",
            detail=str(why[0]) if why else "the step budget was spent",
        )

    def _close(self, servers: int) -> tuple[ProposedAction, ...]:
        if not self._moves.branch.enabled[self._host]:
            reason = self._disabled_reason()
            if reason != DISABLED_FOR_MAINTENANCE:
                shown = reason or "none"
                self._notes.append(self._cause(DISABLED_FOR_ANOTHER_REASON, disabled_reason=shown))
            return ()
        because = self._cause(CLOSES_HOST, servers=servers)
        self._moves.branch.switch(self._host, enabled=False)
        return (disable_host(self._model, self._host, because, DISABLED_FOR_MAINTENANCE),)

    def _stops(self, stay: list[int]) -> tuple[ProposedAction, ...]:
        """Stops active servers, if they may not be migrated in any way."""
        given = self._given
        if not (given.disable_live_migration and given.disable_cold_migration):
            return ()
        movable, states = self._moves.rules.movable, self._model.servers.state
        flying = self._context.in_flight()
        able = [s for s in stay if movable[s] and states[s] == "active" and not flying[s]]
        return tuple(
            stop_server(self._model, s, self._cause(STOPS_SERVER, server=self._moves.name(s)))
            for s in able
        )

    def _outcome(self, stay: list[int], stopped: int) -> Cause:
        """Whether the host is empty after the plan, and what is not."""
        moved, unseen = len(self._moves.actions), int(self._model.hosts.unseen[self._host])
        coming = self._coming()
        left = len(stay) + unseen + coming
        if not left:
            return self._cause(MAINTENANCE_PREPARED, moved=moved, destinations=self._went_to())
        rest = np.ones(len(self._model.servers), dtype=np.bool_)
        up = self._moves.branch.up[self._host]
        said = "without a place on another host" if up else "could be moved if the host were up"
        parts = [tally(self._moves, stay, {**self._kept, said: rest})] if stay else []
        parts += [f"{unseen} could not be read"] if unseen else []
        parts += [f"{coming} still on the way to it"] if coming else []
        return self._cause(
            MAINTENANCE_INCOMPLETE,
            moved=moved,
            destinations=self._went_to(),
            left=left,
            stopped=stopped,
            why=", ".join(parts),
        )

    def _went_to(self) -> str:
        """Where the servers go, in words; empty if none leaves."""
        hosts = {str(one.parameters["destination_node"]) for one in self._moves.actions}
        backup = self._given.backup_node
        if not hosts:
            return ""
        if hosts == {backup}:
            return f" for the backup {backup}"
        plural = "s" if len(hosts) > 1 else ""
        refused = f", because the backup {backup} cannot take all of them" if backup else ""
        return f" for {len(hosts)} host{plural}{refused}"

    def _remarks(self) -> tuple[Cause, ...]:
        return (*self._notes, *self._arriving(), *self._moves.rules.notes(self._moves.branch))

    def _arriving(self) -> tuple[Cause, ...]:
        """A remark about servers that are being migrated to the host."""
        coming = self._coming()
        return (self._cause(SERVERS_IN_FLIGHT, count=coming),) if coming else ()

    def _coming(self) -> int:
        name = self._given.maintenance_node
        flying = (move for move in self._context.moves if not move.finished)
        return len({move.server for move in flying if move.destination == name})

    def _disabled_reason(self) -> str:
        return self._model.hosts.disabled_reason[self._host] or ""

    def _cause(self, reason: Reason, **facts: object) -> Cause:
        return Cause(reason, {"host": self._given.maintenance_node, **facts})
