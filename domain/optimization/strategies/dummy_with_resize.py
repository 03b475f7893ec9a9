"""A strategy for a test cloud of its own: it migrates two servers, and resizes one of them.

Servers, hosts and flavor are fixed. What the model does not have, or the placement rules refuse, is
not proposed.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE
from domain.optimization.algorithms.moves import Moves
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution, Subject
from domain.optimization.strategy import ALWAYS_PROPOSED, Strategy
from domain.plans.action_types import MIGRATE, NOP, RESIZE, SLEEP
from domain.plans.proposal import ProposedAction

NOT_IN_MODEL = Reason("not-in-model", "there is no {kind} {name} in the scope")

MIGRATED: Final = "b199db0c-1408-4d52-b5a5-5ca14de0ff36"
RESIZED: Final = "8db1b3c1-7938-4c34-8c03-6de14b874f8f"
SOURCE, DESTINATION = "compute2", "compute3"
FLAVOR: Final = "x2"


@dataclass(frozen=True)
class ResizeParameters:
    """``para1``, ``para2``: without effect."""

    para1: float = 3.2
    para2: str = "hello"


class DummyWithResize(Strategy[ResizeParameters]):
    """Proposes two messages, a pause, two migrations and a resize."""

    name = "dummy_with_resize"
    display_name = "Dummy strategy with resize"
    goal = "dummy"
    parameters = ResizeParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "para1": {
                "description": "Number without effect.",
                "type": "number",
                "default": 3.2,
                "minimum": 1.0,
                "maximum": 10.2,
            },
            "para2": {
                "description": "Text without effect.",
                "type": "string",
                "default": "hello",
            },
        }
    }

    def solve(self, context: StrategyContext[ResizeParameters]) -> Solution:
        """What of the fixed plan is possible in the model."""
        always = Cause(ALWAYS_PROPOSED, {"strategy": self.name})
        actions = [
            ProposedAction(NOP, "", {"message": "hello World"}, always),
            ProposedAction(NOP, "", {"message": "Welcome"}, always),
            ProposedAction(SLEEP, "", {"duration": 5.0}, always),
        ]
        moves = Moves(context)
        for server in (MIGRATED, RESIZED):
            if _migrates(moves, server):
                ends = {"source_node": SOURCE, "destination_node": DESTINATION}
                given: JsonObject = {"migration_type": "live", **ends}
                actions.append(ProposedAction(MIGRATE, server, given, always))
        if RESIZED in context.compute.server_places:
            actions.append(ProposedAction(RESIZE, RESIZED, {"flavor": FLAVOR}, always))
        missing = (one.because for one in context.alternatives.kept)
        return Solution(tuple(actions), notes=(*missing, *moves.rules.notes(moves.branch)))


def _migrates(moves: Moves, identity: str) -> bool:
    """Migrates a server on the branch if it may be; otherwise records why not."""
    model, context = moves.model, moves.context
    server, host = model.server_places.get(identity), model.host_places.get(DESTINATION)
    if server is None:
        subject = Subject("server", identity)
        context.considered(subject, NOT_IN_MODEL, kind="server", name=identity)
        return False
    if host is None:
        subject = context.server(server)
        context.considered(subject, NOT_IN_MODEL, kind="host", name=DESTINATION)
        return False
    source = model.hosts.name[int(moves.branch.host_of[server])]
    refused = [str(cause) for cause in moves.rules.why_not(moves.branch, server, host)]
    if source != SOURCE:
        refused.insert(0, f"it is not on {SOURCE}")
    if model.servers.state[server] != "active":
        refused.insert(0, "it does not run, so it cannot be migrated live")
    if refused:
        facts: JsonObject = {"server": moves.name(server), "host": source, "detail": refused[0]}
        context.considered(context.server(server), SERVER_CANNOT_LEAVE, **facts)
        return False
    moves.branch.move(server, host)
    return True
