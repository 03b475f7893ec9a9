"""A strategy that proposes harmless actions, to test an installation."""

from collections.abc import Mapping

from domain.cluster.kinds import ModelKind
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed
from domain.optimization.solution import Solution
from domain.optimization.strategy import COMPUTE_ONLY, REQUESTED_BY_PARAMETERS, StrategyInputs
from domain.plans.action_types import NOP, SLEEP
from domain.plans.proposal import ProposedAction

_GREETING = "hello World"


class Dummy:
    """Proposes two messages and a pause."""

    name = "dummy"
    display_name = "Dummy strategy"
    goal = "dummy"
    planner = "weight"
    parameters_schema: JsonObject = {  # noqa: RUF012 - the contract wants an attribute
        "properties": {
            "para1": {"type": "number", "default": 3.2, "minimum": 1.0, "maximum": 10.2},
            "para2": {"type": "string", "default": "hello"},
        }
    }

    def models(self, parameters: Mapping[str, object]) -> frozenset[ModelKind]:  # noqa: ARG002
        """Compute."""
        return COMPUTE_ONLY

    def metrics(self, parameters: Mapping[str, object]) -> tuple[MetricNeed, ...]:  # noqa: ARG002
        """None."""
        return ()

    def solve(self, inputs: StrategyInputs) -> Solution:
        """A greeting, the message ``para2`` (unless it is the same) and ``para1`` seconds."""
        message = str(inputs.parameters.get("para2", "hello"))
        messages = [_GREETING] if message == _GREETING else [_GREETING, message]
        because = Cause(REQUESTED_BY_PARAMETERS, {"strategy": self.name})
        pause: JsonObject = {"duration": inputs.parameters.get("para1", 3.2)}
        return Solution(
            (
                *(ProposedAction(NOP, "", {"message": text}, because) for text in messages),
                ProposedAction(SLEEP, "", pause, because),
            )
        )
