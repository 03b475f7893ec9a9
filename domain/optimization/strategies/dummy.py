"""A strategy that proposes harmless actions, to test an installation."""

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import ALWAYS_PROPOSED, REQUESTED_BY_PARAMETERS, Strategy
from domain.plans.action_types import NOP, SLEEP
from domain.plans.proposal import ProposedAction

_GREETING = "hello World"


@dataclass(frozen=True)
class DummyParameters:
    """``para1``: seconds of the pause; ``para2``: the second message."""

    para1: float = 3.2
    para2: str = "hello"


class Dummy(Strategy[DummyParameters]):
    """Proposes two messages and a pause."""

    name = "dummy"
    display_name = "Dummy strategy"
    goal = "dummy"
    parameters = DummyParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "para1": {
                "description": "Duration of the sleep action, in seconds.",
                "type": "number",
                "default": 3.2,
                "minimum": 1.0,
                "maximum": 10.2,
            },
            "para2": {
                "description": "Message of the second nop action.",
                "type": "string",
                "default": "hello",
            },
        }
    }

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        """A greeting, the message ``para2`` (unless it is the same) and ``para1`` seconds."""
        message = context.parameters.para2
        always = Cause(ALWAYS_PROPOSED, {"strategy": self.name})
        requested = Cause(REQUESTED_BY_PARAMETERS, {"strategy": self.name})
        pause: JsonObject = {"duration": context.parameters.para1}
        actions = [ProposedAction(NOP, "", {"message": _GREETING}, always)]
        if message != _GREETING:
            actions.append(ProposedAction(NOP, "", {"message": message}, requested))
        return Solution((*actions, ProposedAction(SLEEP, "", pause, requested)))
