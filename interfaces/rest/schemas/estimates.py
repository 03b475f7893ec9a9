"""How long a plan takes."""

from uuid import UUID

import msgspec

from application.ports.read_models import ActionPlanView
from application.queries.estimates import PlanEstimate


class RunningActionDocument(msgspec.Struct, kw_only=True):
    """A running action: bytes that it copies, and that it has copied; null: unknown."""

    uuid: UUID
    action_type: str
    size_bytes: int | None
    copied_bytes: int | None
    percent: float | None


class EstimateDocument(msgspec.Struct, kw_only=True):
    """How long a plan takes from now on.

    Attributes:
        seconds: until its last action ends; null: unknown.
        unknown_action_types: types of its actions whose duration is unknown.
        observed_actions: number of past actions that the estimate rests on.
    """

    state: str
    seconds: float | None
    unknown_action_types: list[str]
    observed_actions: int
    running_actions: list[RunningActionDocument]


def estimate(view: ActionPlanView, found: PlanEstimate) -> EstimateDocument:
    """The document of an estimate; a plan that has ended takes no more time."""
    rest = found.rest
    return EstimateDocument(
        state=view.state,
        seconds=0.0 if rest is None else rest.seconds,
        unknown_action_types=[] if rest is None else list(rest.unknown),
        observed_actions=found.observed,
        running_actions=[
            RunningActionDocument(
                uuid=one.uuid,
                action_type=one.action_type,
                size_bytes=one.size,
                copied_bytes=one.copied,
                percent=one.percent,
            )
            for one in found.running
        ],
    )
