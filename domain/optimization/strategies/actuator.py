"""A strategy that proposes exactly the actions that its parameters list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import NOTHING_TO_DO, REQUESTED_BY_PARAMETERS, Strategy
from domain.plans.proposal import ProposedAction


@dataclass(frozen=True)
class RequestedAction:
    """An action to propose, as the audit's parameters list it."""

    action_type: str
    input_parameters: Mapping[str, object]
    resource_id: str | None = None


@dataclass(frozen=True)
class ActuatorParameters:
    """``actions``: proposed in this order."""

    actions: tuple[RequestedAction, ...] = field(default=())


class Actuator(Strategy[ActuatorParameters]):
    """Proposes the listed actions."""

    name = "actuator"
    display_name = "Actuator"
    goal = "unclassified"
    parameters = ActuatorParameters
    parameters_schema: ClassVar[JsonObject] = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {
            "actions": {
                "description": "Actions to propose, in this order.",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "action_type": {
                            "description": "Name of an installed action type.",
                            "type": "string",
                        },
                        "resource_id": {
                            "description": "UUID of the resource that the action changes.",
                            "type": "string",
                        },
                        "input_parameters": {
                            "description": "Parameters that its action type defines.",
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

    def requested_actions(self, parameters: ActuatorParameters) -> Mapping[str, ProposedAction]:
        """All listed actions.

        Raises:
            InvalidValue: an action's parameters contain ``resource_id``, which is a field of the
                action itself.
        """
        return {
            (place := f"actions/{number}"): _action(entry, place)
            for number, entry in enumerate(parameters.actions)
        }

    def solve(self, context: StrategyContext[ActuatorParameters]) -> Solution:
        """Proposes each listed action once."""
        actions: list[ProposedAction] = []
        for action in self.requested_actions(context.parameters).values():
            if action not in actions:
                actions.append(action)
        return Solution(tuple(actions), notes=() if actions else (Cause(NOTHING_TO_DO),))


def _action(entry: RequestedAction, place: str) -> ProposedAction:
    if "resource_id" in entry.input_parameters:
        raise InvalidValue(f"{place}/input_parameters", "must not contain resource_id")
    because = Cause(REQUESTED_BY_PARAMETERS, {"strategy": Actuator.name})
    parameters = dict(entry.input_parameters)
    return ProposedAction(entry.action_type, entry.resource_id or "", parameters, because)
