"""Runs strategies on cluster files, and compares the outcome with what a scenario expects."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from application.ports.plugins import Optimizers
from application.simulation import offline
from application.simulation.offline import OfflineResult, solve_offline
from domain.cluster.verifier.plan import Violation
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.optimization.context import ObservedMove
from domain.optimization.goals import Goal
from domain.optimization.planner import Planner
from domain.optimization.strategy import Strategy
from domain.plans.action_types import ActionType
from domain.plans.verification import verify_plan
from infrastructure.plugins import Registry
from infrastructure.text_files import read_text

Data = Mapping[str, object]
AUDIT, EXPECTED = "audit.json", "expected.json"


def solve(  # noqa: PLR0913 - what an audit may have
    strategy: type[Strategy[Any]] | str,
    cluster: Data,
    parameters: Data | None = None,
    *,
    goal: Goal | None = None,
    planner: type[Planner[Any]] | None = None,
    action_types: Iterable[ActionType] = (),
    seed: int = 0,
    scope: Sequence[object] = (),
    rules: object = None,
    moves: Sequence[ObservedMove] = (),
) -> OfflineResult:
    """Runs a strategy and its planner, as ``vigil strategy run`` does.

    Args:
        strategy: its class, or the name of an installed one.
        cluster: the contents of a cluster file.
        parameters: of the audit.
        goal: the strategy's goal, unless it is installed.
        planner: the strategy's planner, unless it is installed.
        action_types: those of its actions that are not installed.
        seed: random seed.
        scope: of the audit.
        rules: operator rules, as in docs/constraints.md.
        moves: Vigil's own, in flight or recent.

    Raises:
        InvalidValue: the cluster file, a parameter, a rule or an indicator is invalid, or the goal
            or the planner of the strategy is neither given nor installed.
    """
    found = replace(installed(), action_types=types_with(action_types))
    if goal is not None:
        found = replace(found, goals={**found.goals, goal.name: goal})
    if planner is not None:
        found = replace(found, planners={**found.planners, planner.name: planner()})
    name = strategy if isinstance(strategy, str) else strategy.name
    if not isinstance(strategy, str):
        _require("goal", strategy.goal, found.goals)
        _require("planner", strategy.planner, found.planners)
        found = replace(found, strategies={**found.strategies, name: strategy()})
    return solve_offline(
        found, cluster, name, parameters, seed, scope=scope, rules=rules, moves=moves
    )


def _require(kind: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise InvalidValue(kind, f"{name} is not installed; give it as `{kind}`")


@cache
def installed() -> Optimizers:
    """The installed goals, strategies, planners and action types."""
    return Registry().optimizers


def types_with(further: Iterable[ActionType]) -> dict[str, ActionType]:
    """The installed action types and further ones."""
    return {**installed().action_types, **{one.name: one for one in further}}


def violations(result: OfflineResult, action_types: Iterable[ActionType] = ()) -> list[Violation]:
    """The placement rules that a plan breaks in any order that its dependencies allow.

    Args:
        result: of ``solve``.
        action_types: those of its actions that are not installed.
    """
    types = types_with(action_types)
    return verify_plan(
        result.model,
        result.planned,
        result.load,
        result.placement,
        action_types=types,
        storage=result.storage,
    )


def refused(result: OfflineResult, action_types: Iterable[ActionType] = ()) -> Cause | None:
    """Why a run would not publish a plan; None if it would.

    The first action of an unknown type or with invalid parameters, else the broken placement rules.

    Args:
        result: of ``solve``.
        action_types: those of its actions that are not installed.
    """
    return offline.refused(replace(installed(), action_types=types_with(action_types)), result)


@dataclass(frozen=True)
class Scenario:
    """A folder with ``cluster.json``, ``audit.json`` and ``expected.json``.

    Its name is the behaviour, as a sentence. An audit has a ``strategy``, and may have
    ``parameters``, a ``scope``, operator ``rules``, ``moves`` (fields of ``ObservedMove``) and a
    ``seed``. Reasons are compared by code. ``python -m vigil.testing FOLDER`` writes
    ``expected.json``.
    """

    folder: Path

    def __str__(self) -> str:
        """Names the scenario: the last two folders."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def outcome(self) -> dict[str, object]:
        """What the strategy does, in the form of ``expected.json``."""
        return _outcome(self.run())

    def record(self) -> bool:
        """Writes ``expected.json``: what the strategy does now. Returns whether that is new."""
        text = json.dumps(self.outcome(), indent=2, ensure_ascii=False) + "\n"
        path = self.folder / EXPECTED
        is_new = not path.exists() or json.loads(path.read_text("utf-8")) != json.loads(text)
        if is_new:
            path.write_text(text, encoding="utf-8")
        return is_new

    def run(self) -> OfflineResult:
        """Runs the strategy and its planner."""
        audit = self._read(AUDIT)
        return solve_offline(
            installed(),
            self._read("cluster.json"),
            audit["strategy"],
            audit.get("parameters"),
            audit.get("seed", 0),
            scope=audit.get("scope", ()),
            rules=audit.get("rules"),
            moves=[ObservedMove(**move) for move in audit.get("moves", ())],
        )

    def expected(self) -> dict[str, object]:
        """What it should do."""
        return self._read(EXPECTED)

    def _read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(read_text(self.folder / name))
        return found


def scenarios(root: Path) -> list[Scenario]:
    """All scenarios below a folder."""
    return [Scenario(path.parent) for path in sorted(root.rglob(AUDIT))]


def _outcome(result: OfflineResult) -> dict[str, object]:
    return {
        "actions": [_sentence(action) for action in result.actions()],
        "because": [planned.action.because.reason for planned in result.planned],
        "indicators": dict(result.indicators),
        "efficacy": [round(float(str(figure.value)), 1) for figure in result.efficacy],
        "rejections": [f"{one.subject}: {one.because.reason}" for one in result.rejections],
        "notes": [note.reason for note in result.notes],
        "quarantined": [item.because.reason for item in result.quarantined],
    }


def _sentence(action: dict[str, Any]) -> str:
    given = action["input_parameters"]
    name = given.get("resource_name") or given["resource_id"]
    match action["action_type"]:
        case "migrate":
            places = f"{given['source_node']} -> {given.get('destination_node', 'any')}"
            return f"{given['migration_type']} {name}: {places}"
        case "change_nova_service_state":
            return f"{given['state']} {name}"
        case other:
            named = {"resource_name", "resource_id"}
            rest = [f"{key}={given[key]}" for key in sorted(given) if key not in named]
            return " ".join(part for part in (other, name, *rest) if part)
