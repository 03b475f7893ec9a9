"""A strategy that proposes exactly the actions that its parameters list."""

from collections.abc import Mapping

from domain.cluster.kinds import ModelKind
from domain.cluster.table.columns import mapping, sequence
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed
from domain.optimization.solution import Solution
from domain.optimization.strategy import COMPUTE_ONLY, REQUESTED_BY_PARAMETERS, StrategyInputs
from domain.plans.proposal import ProposedAction


class Actuator:
    """Proposes the listed actions."""

    name = "actuator"
    display_name = "Actuator"
    goal = "unclassified"
    planner = "weight"
    parameters_schema: JsonObject = {  # noqa: RUF012 - the contract wants an attribute
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {
            "actions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "action_type": {"type": "string"},
                        "resource_id": {"type": "string"},
                        "input_parameters": {
                            "type": "object",
                            "properties": {},
                            "additionalProperties": True,
                        },
                    },
                    "required": ["action_type", "input_parameters"],
                    "additionalProperties": True,
                },
            }
        },
        "required": ["actions"],
    }

    def models(self, parameters: Mapping[str, object]) -> frozenset[ModelKind]:  # noqa: ARG002
        """Compute."""
        return COMPUTE_ONLY

    def metrics(self, parameters: Mapping[str, object]) -> tuple[MetricNeed, ...]:  # noqa: ARG002
        """None."""
        return ()

    def solve(self, inputs: StrategyInputs) -> Solution:
        """Proposes each listed action once.

        Raises:
            InvalidValue: an action's parameters contain ``resource_id``, which is a field of the
                action itself.
        """
        actions: list[ProposedAction] = []
        for entry in sequence(inputs.parameters["actions"]):
            action = _action(mapping(entry))
            if action not in actions:
                actions.append(action)
        return Solution(tuple(actions))


def _action(entry: Mapping[str, object]) -> ProposedAction:
    parameters = dict(mapping(entry["input_parameters"]))
    if "resource_id" in parameters:
        raise InvalidValue("input_parameters", "must not contain resource_id")
    because = Cause(REQUESTED_BY_PARAMETERS, {"strategy": Actuator.name})
    resource = str(entry.get("resource_id") or "")
    return ProposedAction(str(entry["action_type"]), resource, parameters, because)
