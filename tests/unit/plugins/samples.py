"""Plug-ins that keep their contract, and plug-ins that break one rule of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from domain.kernel.aggregate import JsonObject
from domain.kernel.options import NoOptions, option
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.efficacy import EfficacySpecification, IndicatorSpecification, Ratio
from domain.optimization.goals import Goal
from domain.optimization.planner import Planner
from domain.optimization.scoring import ScoringEngine, ScoringEngineContainer
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy
from domain.plans.action_types import ActionType, ResourceKind
from domain.plans.proposal import PlannedAction

COUNT = IndicatorSpecification("cooled", "How many hosts are cooler.")

goal = Goal("acme.cool", "Cooler hosts", EfficacySpecification("acme.cool", (COUNT,)))
goal_without_title = replace(goal, display_name=" ")
goal_with_doubled_indicator = replace(goal, efficacy=EfficacySpecification("x", (COUNT, COUNT)))
goal_with_wrong_ratio = replace(
    goal, efficacy=EfficacySpecification("x", (COUNT,), (Ratio("r", "", "cooled", "hosts"),))
)
goal_as_text = "acme.cool"


@dataclass(frozen=True)
class Limits:
    degrees: float = 25.0


class Cooling(Strategy[Limits]):
    name = "acme.cooling"
    display_name = "Cooling"
    goal = "acme.cool"
    planner = "acme.calm"
    parameters = Limits
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {"degrees": {"type": "number", "default": 25.0}}
    }

    def solve(self, context: StrategyContext[Limits]) -> Solution:
        del context
        return Solution(())


class Renamed(Cooling):
    name = "acme.warming"


class WithoutTitle(Cooling):
    display_name = ""


class Aimless(Cooling):
    goal = "acme.nothing"


class Unplanned(Cooling):
    planner = "acme.nobody"


class Undecided(Strategy[Limits]):
    name = "acme.cooling"


@dataclass(frozen=True)
class Bare:
    degrees: float


class WithoutDefault(Cooling):
    parameters = Bare  # type: ignore[assignment]


class Untyped(Cooling):
    parameters = dict  # type: ignore[assignment]


class WithoutSchema(Cooling):
    parameters_schema: ClassVar[JsonObject] = {"properties": 7}


class OtherFields(Cooling):
    parameters_schema: ClassVar[JsonObject] = {"properties": {"kelvin": {"type": "number"}}}


class OtherDefault(Cooling):
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {"degrees": {"type": "number", "default": 30.0}}
    }


class TextDefault(Cooling):
    parameters_schema: ClassVar[JsonObject] = {"properties": {"degrees": {"default": "warm"}}}


class Needless(Cooling):
    def requirements(self, parameters: Limits) -> Requirements:
        del parameters
        return ()  # type: ignore[return-value]


class Failing(Cooling):
    def requirements(self, parameters: Limits) -> Requirements:
        raise KeyError("degrees")


class Calm(Planner[Any]):
    name = "acme.calm"

    def plan(self, solution: Solution, context: PlanContext[Any]) -> Sequence[PlannedAction]:
        del context
        return [PlannedAction(action, ()) for action in solution.actions]


class Optionless(Calm):
    options = int


class Undocumented(Calm):
    options = Limits


@dataclass(frozen=True)
class Strange:
    when: complex = option(1j, "Not a type that an option can have.")


class Untypable(Calm):
    options = Strange


def planner() -> None:
    """Not a class."""


fan = ActionType(
    name="acme.fan",
    description="Sets the speed of a host's fan.",
    schema={"type": "object", "properties": {"resource_id": {"type": "string"}}},
    resource=ResourceKind.HOST,
)
fan_without_text = replace(fan, description="")
fan_without_resource = replace(fan, schema={"type": "object", "properties": {}})
fan_without_schema = replace(fan, schema={"type": "fan"})
fan_with_wrong_weight = replace(fan, weight=-1)
fan_with_wrong_parallelization = replace(fan, parallelization=True)
fan_with_other_kind = replace(fan, resource="fan")  # type: ignore[arg-type]
fan_with_other_check = replace(fan, checked=None)  # type: ignore[arg-type]


class FanHandler:
    declaration = fan
    options = NoOptions

    def check(self) -> None: ...
    def start(self) -> None: ...
    def observe(self) -> None: ...
    def advance(self) -> None: ...
    def abort(self) -> None: ...
    def compensation(self) -> None: ...
    def deadline(self) -> None: ...


class BlindHandler(FanHandler):
    observe = None  # type: ignore[assignment]


class StrangeHandler(FanHandler):
    declaration = fan_without_text


class UndeclaredHandler(FanHandler):
    declaration = None  # type: ignore[assignment]
    name = "acme.fan"


class Mean(ScoringEngine):
    name = "acme.mean"
    description = "The mean of the features"

    def score(self, features: Sequence[float]) -> Sequence[float]:
        return [sum(features) / len(features)]


class Mute(Mean):
    description = None  # type: ignore[assignment]


class Extreme(ScoringEngine):
    def __init__(self, name: str, description: str = "") -> None:
        self.name = name
        self.description = description

    def score(self, features: Sequence[float]) -> Sequence[float]:
        return [max(features)]


class Extremes(ScoringEngineContainer):
    name = "acme.engines"
    held: Sequence[ScoringEngine] = (Extreme("acme.max"), Extreme("acme.min"))

    def engines(self) -> Sequence[ScoringEngine]:
        return self.held


class Doubling(Extremes):
    held = (Extreme("acme.max"), Extreme("acme.max"))


class Taking(Extremes):
    held = (Extreme("acme.mean"),)


class Misnaming(Extremes):
    held = (Extreme("Max"),)


class Muting(Extremes):
    held = (Extreme("acme.mute", None),)  # type: ignore[arg-type]


class Numbering(Extremes):
    held = (3,)  # type: ignore[assignment]


class Raising(Extremes):
    def engines(self) -> Sequence[ScoringEngine]:
        raise KeyError("engines")


class Thermometer:
    name = "acme.thermometer"
    options = NoOptions

    def open(self) -> None: ...


class Sealed(Thermometer):
    open = None  # type: ignore[assignment]
