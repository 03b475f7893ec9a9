"""The output of `vigil why` and `vigil replay explain`."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from application.kernel.json_values import json_value
from application.ports.read_models import ActionView
from application.queries.decisions import NEWEST, DecisionAbout
from application.records.decision import DecisionExplanation
from domain.kernel.ids import action_id
from domain.optimization.solution import Rejection
from domain.plans.proposal import parameters_of
from interfaces.terminal.history import stamp
from interfaces.terminal.wording import STATE_SIGNS, target

REJECTED = 20
"""Rejected alternatives of a plan that are printed as text."""


def decision_lines(found: Sequence[DecisionAbout]) -> Iterator[str]:
    """The decisions about a resource, newest first."""
    for one in found:
        plan = one.plan
        yield (
            f"{stamp(plan.created_at)[:-4]}  plan {str(plan.uuid)[:8]}  {plan.strategy_name}  "
            f"{plan.state}  (run {str(plan.run_id)[:8]})"
        )
        for action in one.actions:
            yield from _action(action)
        yield from _rejections(one.rejections or ())
    if any(one.rejections is None for one in found):
        yield f"Rejected alternatives are shown of the newest {NEWEST} plans."


def decisions_json(found: Sequence[DecisionAbout]) -> Any:
    """The decisions as JSON values."""
    return json_value(found)


def explanation_lines(
    plan: UUID, stored: DecisionExplanation, places: Sequence[int], rejected: Sequence[Rejection]
) -> Iterator[str]:
    """The reasons of a plan.

    Args:
        plan: its id.
        stored: its explanation.
        places: of the actions to show.
        rejected: the alternatives to show.
    """
    rejections = max(stored.rejection_count, len(stored.rejections))
    yield f"plan {plan}: {len(stored.actions)} actions, {rejections} alternatives rejected"
    for place in places:
        action = stored.actions[place].action
        number = f"{place + 1:>4}  {str(action_id(plan, place))[:8]}"
        yield f"{number}  {action.type} {target(parameters_of(action))}"
        yield f"      {action.because}"
    yield from _rejections(rejected)
    yield from (f"  note: {note}" for note in stored.notes)


def _action(action: ActionView) -> Iterator[str]:
    took = ""
    if action.started_at is not None and action.ended_at is not None:
        took = f" after {(action.ended_at - action.started_at).total_seconds():.1f} s"
    what = f"{action.action_type} {target(action.input_parameters)}"
    yield f"  {STATE_SIGNS.get(action.state, '·')} {what}  {action.state}{took}"
    yield f"      {action.because}"
    if action.status_message:
        yield f"      {action.status_message}"


def _rejections(found: Sequence[Rejection]) -> Iterator[str]:
    yield from (f"  - not chosen: {one.subject}: {one.because}" for one in found[:REJECTED])
    if len(found) > REJECTED:
        yield f"  - {len(found) - REJECTED} more alternatives were not chosen (--json lists them)"
