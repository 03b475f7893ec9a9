"""An order in which the moves of a solution can be made one after the other.

Moves that wait for each other's room in a circle need a third host: one of the servers is moved
there first, and from there to its destination when there is room.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, Generic

import numpy as np

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.table.columns import bools
from domain.kernel.options import O
from domain.kernel.reasons import Cause, Reason
from domain.optimization.context import PlanContext
from domain.optimization.planner import PlanImpossible
from domain.optimization.planners.dependencies import Room, destination, source, switched
from domain.plans.action_types import MIGRATE
from domain.plans.proposal import ProposedAction

PARKS_SERVER: Final = Reason(
    "parks-server",
    "moving {server} off {source} for the time being makes room: the moves of {servers} wait for "
    "each other",
)
MOVES_IN_CIRCLE: Final = Reason(
    "moves-in-circle",
    "The plan is not published: the moves of {servers} wait for each other's room, and no other "
    "host may have one of these servers for the time being.",
)


def executable(
    actions: Sequence[ProposedAction], context: PlanContext[O], load: MeasuredLoad | None
) -> list[ProposedAction]:
    """The actions, with each move behind those that make the room which it lacks.

    Args:
        actions: of a solution.
        context: of the planner.
        load: measured use that the plan is to respect.

    Raises:
        PlanImpossible: moves wait for each other in a circle, which no third host can break.
    """
    found = _Sequence(actions, context, load)
    rest = [one for one in actions if one.type == MIGRATE]
    while rest:
        rest = found.advance(rest)
    groups = iter(found.groups)
    return [
        one for action in actions for one in (next(groups) if action.type == MIGRATE else [action])
    ]


class _Sequence(Generic[O]):
    """The moves so far.

    Attributes:
        groups: each move of the solution, behind the moves to third hosts that were added for it.
    """

    def __init__(
        self,
        actions: Sequence[ProposedAction],
        context: PlanContext[O],
        load: MeasuredLoad | None,
    ) -> None:
        self.groups: list[list[ProposedAction]] = []
        self._context = context
        self._load = load
        self._room = Room(context, load)
        self._done: list[ProposedAction] = []
        self._added: list[ProposedAction] = []
        self._actions = actions

    def advance(self, moves: Sequence[ProposedAction]) -> list[ProposedAction]:
        """Makes the moves that can be made now; returns those that are left."""
        made, stuck = _made(moves, self._room)
        circle = [] if made or not stuck else _circle(stuck, self._room)
        if circle:
            return self._break(circle, stuck)
        for move in made or stuck:
            self.groups.append([*self._added, move])
            self._added = []
        self._done += made
        return stuck if made else []

    def _break(
        self, circle: Sequence[ProposedAction], stuck: list[ProposedAction]
    ) -> list[ProposedAction]:
        """Moves a server of a circle to a third host; it goes on from there later."""
        move, host = self._parking(circle)
        name = self._context.compute.hosts.name[host]
        facts = {"server": _name(move), "source": source(move), "destination": name}
        because = Cause(PARKS_SERVER, {**facts, "servers": _names(circle)})
        given = {**move.parameters, "destination_node": name}
        first = replace(move, parameters=given, because=because)
        self._room.move(first)
        self._added.append(first)
        self._done.append(first)
        later = replace(move, parameters={**move.parameters, "source_node": name})
        return [later if one is move else one for one in stuck]

    def _parking(self, circle: Sequence[ProposedAction]) -> tuple[ProposedAction, int]:
        """The move of the smallest server that a third host may have, and that host's index.

        Of several hosts the one with the fewest servers. Hosts that the plan switches are left
        out, and servers that were parked before.
        """
        branch, model = self._branch(), self._context.compute
        rules = self._context.placement.constraints(model)
        size, places = model.servers.memory_mb, model.server_places
        switches = {switched(one, on=on) for one in self._actions for on in (True, False)}
        steady = bools(name not in switches for name in model.hosts.name)
        parked = {one.resource_id for one in self._done if one.because.reason == PARKS_SERVER}
        candidates = [one for one in circle if one.resource_id not in parked]
        for move in sorted(candidates, key=lambda one: int(size[places[one.resource_id]])):
            legal = np.flatnonzero(rules.legal_hosts(branch, places[move.resource_id]) & steady)
            if len(legal):
                return move, int(legal[np.argmin(branch.count[legal])])
        raise PlanImpossible(Cause(MOVES_IN_CIRCLE, {"servers": _names(circle)}))

    def _branch(self) -> Branch:
        """The cloud after the moves so far."""
        branch = Branch(self._context.compute, self._load, self._context.storage)
        branch.replay(self._context.start)
        for move in self._done:
            ends = self._room.ends(move)
            if ends is not None:
                branch.move(ends[0], ends[2])
        return branch


def _made(
    moves: Sequence[ProposedAction], room: Room[O]
) -> tuple[list[ProposedAction], list[ProposedAction]]:
    """The moves that can be made now, one after the other, and the others."""
    made, stuck = list[ProposedAction](), list[ProposedAction]()
    held: set[str] = set()  # servers with a move that has to wait
    for move in moves:
        if move.resource_id not in held and room.move(move):
            made.append(move)
        else:
            held.add(move.resource_id)
            stuck.append(move)
    return made, stuck


def _circle(stuck: Sequence[ProposedAction], room: Room[O]) -> list[ProposedAction]:
    """Some moves that wait for each other, none if there is no circle."""
    leaving: dict[str | None, ProposedAction] = {}
    for move in reversed(stuck):
        leaving[source(move)] = move
    for start in stuck:
        path: list[ProposedAction] = []
        awaited: ProposedAction | None = start
        while awaited is not None and awaited not in path:
            path.append(awaited)
            awaited = None if room.fits(awaited) else leaving.get(destination(awaited))
        if awaited is not None:
            return path[path.index(awaited) :]
    return []


def _name(move: ProposedAction) -> str:
    return str(move.parameters.get("resource_name") or move.resource_id)


def _names(moves: Collection[ProposedAction]) -> str:
    return ", ".join(sorted(_name(move) for move in moves))
