"""What makes a return plan: a strategy that undoes the effects of a plan, and its planner.

Vigil uses both by itself; audits cannot name them.

Hosts are opened first and closed last. In between, servers move back in the reverse order of the
effects; a move that lacks something, such as room, waits for the others. What remains cannot be
undone, and the notes of the plan say why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.kernel.aggregate import JsonObject
from domain.kernel.options import NoOptions
from domain.kernel.reasons import Cause, Reason
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.planner import Planner
from domain.optimization.planners.dependencies import destination, source, switched
from domain.optimization.planners.weight import in_order
from domain.optimization.solution import Solution
from domain.optimization.strategy import Strategy
from domain.plans.action_types import CHANGE_POWER_STATE, MIGRATE
from domain.plans.action_types.change_nova_service_state import (
    SERVICE_ALREADY_IN_STATE,
    SERVICE_DISABLED_FOR_OTHER_REASON,
)
from domain.plans.action_types.migrate import (
    ALREADY_AT_DESTINATION,
    DESTINATION_NOT_FOUND,
    SERVER_NOT_ON_SOURCE,
)
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import NOT_UNDONE

UNDOES_PLAN = Reason(
    "undoes-plan",
    "Undoes {undone} of {total} actions of action plan {plan}.",
    undone="number",
    total="number",
)
SERVER_NOT_IN_SCOPE = Reason(
    "server-not-in-scope", "server {server} does not exist or is outside the audit's scope"
)
HOST_NOT_IN_SCOPE = Reason(
    "host-not-in-scope", "host {host} does not exist or is outside the audit's scope"
)
HOST_HAS_SERVERS = Reason("host-has-servers", "servers are on host {host}")


@dataclass(frozen=True)
class Effect:
    """What an action of a plan changed.

    Attributes:
        action: description of the action.
        inverse: the action that undoes it.
        because: why there is none.
    """

    action: str
    inverse: ProposedAction | None = None
    because: Cause | None = None

    def not_undone(self, why: Cause) -> Cause:
        """The note that says why it is not undone."""
        facts: JsonObject = {
            "action": self.action,
            "why": str(why),
            "reason": why.reason,
            "facts": why.facts,
        }
        return Cause(NOT_UNDONE, facts)


@dataclass(frozen=True)
class ReturnParameters:
    """The effects to undo.

    Attributes:
        plan: id of the plan that had them.
        effects: the latest first.
    """

    plan: str = ""
    effects: tuple[Effect, ...] = ()


_Pair = tuple[Effect, ProposedAction]


class Return(Strategy[ReturnParameters]):
    """Undoes the effects of a plan, as far as the model and the rules allow it now."""

    name = "return"
    display_name = "Return"
    goal = "unclassified"
    planner = "return"
    parameters = ReturnParameters

    def solve(self, context: StrategyContext[ReturnParameters]) -> Solution:
        """The inverse actions, legal one after the other."""
        return _WayBack(context).solution()


class ReturnPlanner(Planner[NoOptions]):
    """Keeps the order of the solution and adds what each action waits for."""

    name = "return"

    def plan(self, solution: Solution, context: PlanContext[NoOptions]) -> Sequence[PlannedAction]:
        """The actions with their dependencies."""
        return in_order(solution.actions, context, solution.load)


def _direct(pairs: list[_Pair]) -> list[_Pair]:
    """The moves with those of a server, one after the other, made one.

    A host on the way may be closed again, or have no room any more.
    """
    merged: dict[str, _Pair] = {}
    for effect, inverse in pairs:
        first = merged.get(inverse.resource_id, (effect, inverse))[1]
        given = {**inverse.parameters, "source_node": first.parameters["source_node"]}
        merged[inverse.resource_id] = effect, replace(inverse, parameters=given)
    return [pair for pair in merged.values() if source(pair[1]) != destination(pair[1])]


class _WayBack:
    """The inverse actions so far, done on a branch of today's model."""

    def __init__(self, context: StrategyContext[ReturnParameters]) -> None:
        self._given = context.parameters
        self._model = context.compute
        self._branch = context.branch()
        self._rules = context.constraints()
        self._actions: list[ProposedAction] = []
        self._notes: list[Cause] = []
        self._homes = {
            one.inverse.resource_id: destination(one.inverse)
            for one in self._given.effects
            if one.inverse is not None and one.inverse.type == MIGRATE
        }

    def solution(self) -> Solution:
        """The actions, and a note for each effect that they do not undo."""
        opening, between, closing = self._stages()
        for effect, inverse in opening:
            self._done(effect, inverse, self._switch(inverse, on=True))
        self._move_back(between)
        for effect, inverse in closing:
            self._done(effect, inverse, self._switch(inverse, on=False))
        facts = {"plan": self._given.plan, "total": len(self._given.effects)}
        head = Cause(UNDOES_PLAN, {**facts, "undone": len(self._actions)})
        return Solution(tuple(self._actions), notes=(head, *self._notes))

    def _stages(self) -> tuple[list[_Pair], list[_Pair], list[_Pair]]:
        """What opens a host, what is neither, what closes a host.

        Of several changes of one state of a host, only the earliest has to be undone.
        """
        opening, closing = (dict[tuple[str, str], _Pair]() for _ in range(2))
        between = list[_Pair]()
        for effect in self._given.effects:
            inverse = effect.inverse
            if inverse is None:
                self._notes += [effect.not_undone(effect.because)] if effect.because else []
                continue
            on, off = switched(inverse, on=True), switched(inverse, on=False)
            for stage, host in ((opening, on), (closing, off)):
                if on or off:
                    stage.pop((inverse.type, str(on or off)), None)
                if host:
                    stage[inverse.type, host] = effect, inverse
            if not (on or off):
                between.append((effect, inverse))
        return list(opening.values()), between, list(closing.values())

    def _done(self, effect: Effect, inverse: ProposedAction, why_not: Cause | None) -> None:
        if why_not is None:
            self._actions.append(inverse)
        else:
            self._notes.append(effect.not_undone(why_not))

    def _move_back(self, pairs: list[_Pair]) -> None:
        """Makes the moves that are legal; those of a server that are not, as one move if it is."""
        for effect, inverse in self._moved(_direct(self._moved(pairs))):
            self._notes.append(effect.not_undone(self._why_stuck(inverse)))

    def _moved(self, pairs: list[_Pair]) -> list[_Pair]:
        """Makes moves over and over until no further one is legal; returns the others."""
        left, progress = pairs, True
        while left and progress:
            waiting = list[_Pair]()
            for effect, inverse in left:
                if self._is_due(inverse):
                    self._actions.append(self._move(inverse))
                else:
                    waiting.append((effect, inverse))
            progress, left = len(waiting) < len(left), waiting
        return left

    def _is_due(self, inverse: ProposedAction) -> bool:
        if inverse.type != MIGRATE:
            return True
        server, to = self._ends(inverse)
        if server is None or to is None or self._is_home(inverse, server):
            return False
        return self._place(server) == source(inverse) and self._rules.is_legal(
            self._branch, server, to
        )

    def _is_home(self, inverse: ProposedAction, server: int) -> bool:
        """Whether the server was back before the return plan."""
        start = self._model.hosts.name[int(self._model.servers.host[server])]
        return self._homes[inverse.resource_id] == start

    def _move(self, inverse: ProposedAction) -> ProposedAction:
        server, to = self._ends(inverse)
        if inverse.type != MIGRATE or server is None or to is None:
            return inverse
        self._branch.move(server, to)
        kind = self._rules.movability.migration_type(server)
        return replace(inverse, parameters={**inverse.parameters, "migration_type": kind})

    def _why_stuck(self, inverse: ProposedAction) -> Cause:
        server, to = self._ends(inverse)
        named = destination(inverse)
        if server is None:
            return Cause(SERVER_NOT_IN_SCOPE, {"server": inverse.resource_id})
        if self._is_home(inverse, server):
            home = self._homes[inverse.resource_id]
            return Cause(ALREADY_AT_DESTINATION, {"server": inverse.resource_id, "host": home})
        if to is None:
            return Cause(DESTINATION_NOT_FOUND, {"host": named})
        facts = {"server": inverse.resource_id, "host": self._place(server)}
        if facts["host"] != source(inverse):
            return Cause(SERVER_NOT_ON_SOURCE, {**facts, "source": source(inverse)})
        return self._rules.why_not(self._branch, server, to)[0]

    def _ends(self, inverse: ProposedAction) -> tuple[int | None, int | None]:
        """The server and the destination of a move, None for what the model lacks."""
        to = self._model.host_places.get(destination(inverse) or "")
        return self._model.server_places.get(inverse.resource_id), to

    def _place(self, server: int) -> str:
        return self._model.hosts.name[int(self._branch.host_of[server])]

    def _switch(self, inverse: ProposedAction, *, on: bool) -> Cause | None:
        """Opens or closes a host on the branch; why not, if that is not to be done."""
        name = switched(inverse, on=on) or ""
        host = self._model.host_places.get(name)
        if host is None:
            return Cause(HOST_NOT_IN_SCOPE, {"host": name})
        if inverse.type == CHANGE_POWER_STATE:
            if not on and self._branch.count[host]:
                return Cause(HOST_HAS_SERVERS, {"host": name})
            self._branch.power(host, on=on)
            return None
        if bool(self._branch.enabled[host]) is on:
            state = inverse.parameters["state"]
            return Cause(SERVICE_ALREADY_IN_STATE, {"host": name, "state": state})
        expected = inverse.parameters.get("disabled_reason")
        found = self._model.hosts.disabled_reason[host]
        if on and expected and found != expected:
            facts = {"host": name, "expected": expected, "found": found}
            return Cause(SERVICE_DISABLED_FOR_OTHER_REASON, facts)
        self._branch.switch(host, enabled=on)
        return None
