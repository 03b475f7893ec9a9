"""A strategy that shows how scoring engines are used: it rates a workload of random figures."""

import json
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import ClassVar, Final

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.context import StrategyContext
from domain.optimization.scoring import ScoringEngine
from domain.optimization.solution import Solution
from domain.optimization.strategy import ALWAYS_PROPOSED, Requirements, Strategy
from domain.plans.action_types import NOP, SLEEP
from domain.plans.proposal import ProposedAction

SCORED = Reason(
    "scored",
    "scoring engine {engine}, version {version}, rates the features {features} as {scores}",
)

CLASSIFIER: Final = "dummy_scorer"
AVERAGE: Final = "dummy_avg_scorer"
_GIB, _MIB = 2**30, 2**20
_TELEMETRY: Final = (
    ("proc-processor-time-%", 0, 100),
    ("mem-total-bytes", 4 * _GIB, 4 * _GIB),
    ("mem-avail-bytes", _GIB, 4 * _GIB),
    ("mem-page-reads/sec", 0, 2000),
    ("mem-page-writes/sec", 0, 2000),
    ("disk-read-bytes/sec", 0, 200 * _MIB),
    ("disk-write-bytes/sec", 0, 200 * _MIB),
    ("net-bytes-received/sec", 0, 20 * _MIB),
    ("net-bytes-sent/sec", 0, 10 * _MIB),
)
"""Features of the classifier, in its order, with the smallest and the largest random value."""
_AVERAGED = 20
_BELOW = 1000


@dataclass(frozen=True)
class ScorerParameters:
    """``param1``, ``param2``: without effect."""

    param1: float = 3.2
    param2: str = "hello"


class DummyWithScorer(Strategy[ScorerParameters]):
    """Proposes a message for each score, and a pause."""

    name = "dummy_with_scorer"
    display_name = "Dummy Strategy using sample Scoring Engines"
    goal = "dummy"
    parameters = ScorerParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "param1": {
                "description": "Number without effect.",
                "type": "number",
                "default": 3.2,
                "minimum": 1.0,
                "maximum": 10.2,
            },
            "param2": {
                "description": "Text without effect.",
                "type": "string",
                "default": "hello",
            },
        }
    }

    def requirements(self, parameters: ScorerParameters) -> Requirements:
        """Two scoring engines."""
        del parameters
        return Requirements(engines=(CLASSIFIER, AVERAGE))

    def solve(self, context: StrategyContext[ScorerParameters]) -> Solution:
        """A greeting, the workload of random telemetry, the average of random numbers, a pause."""
        always = Cause(ALWAYS_PROPOSED, {"strategy": self.name})
        classifier, average = context.engines[CLASSIFIER], context.engines[AVERAGE]
        telemetry = [_drawn(context.seed, *one) for one in _TELEMETRY]
        rated = _score(classifier, telemetry)
        workload = json.loads(classifier.metainfo)["workloads"][int(rated[0])]
        numbers = _distinct(context.seed)
        mean = _score(average, numbers)
        pause: JsonObject = {"duration": 5.0}
        return Solution(
            (
                _message("Hello from Dummy Strategy with Scorer!", always),
                _message(f"Detected Workload: {workload}", _because(classifier, telemetry, rated)),
                _message(f"AVG Scorer result: {mean[0]}", _because(average, numbers, mean)),
                ProposedAction(SLEEP, "", pause, always),
            )
        )


def _message(text: str, because: Cause) -> ProposedAction:
    return ProposedAction(NOP, "", {"message": text}, because)


def _score(engine: ScoringEngine, features: list[int]) -> list[float]:
    return [float(one) for one in engine.score(features)]


def _because(engine: ScoringEngine, features: list[int], scores: list[float]) -> Cause:
    facts: JsonObject = {"engine": engine.name, "version": engine.version}
    return Cause(SCORED, {**facts, "features": features, "scores": scores})


def _distinct(seed: int) -> list[int]:
    """Distinct random numbers."""
    found: dict[int, None] = {}
    for number in count():
        found.setdefault(_drawn(seed, f"number {number}", 0, _BELOW - 1))
        if len(found) == _AVERAGED:
            break
    return list(found)


def _drawn(seed: int, name: str, least: int, most: int) -> int:
    """A random whole number, the same for a seed and a name in each version of Python."""
    digest = sha256(f"{seed} {name}".encode()).digest()
    return least + int.from_bytes(digest[:8]) % (most - least + 1)
