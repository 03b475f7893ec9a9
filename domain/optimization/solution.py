"""What a strategy hands over: unscheduled actions, indicators, and why everything is as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class ProposedAction:
    """An action that a strategy wants, before a planner has put it in its place.

    Attributes:
        type: action type (``migrate``, ``change_nova_service_state``, …).
        resource_id: id of what it acts on (server uuid, compute service/host id).
        parameters: its input parameters, without ``resource_id``.
        because: why the strategy wants it.
    """

    type: str
    resource_id: str
    parameters: JsonObject
    because: Cause


@dataclass(frozen=True)
class Rejection:
    """Something that was considered and not proposed, and why.

    Attributes:
        subject: what was considered ("server <uuid>", "host <name>").
        because: the rule or the threshold that it failed.
    """

    subject: str
    because: Cause


@dataclass(frozen=True)
class Solution:
    """The outcome of a strategy.

    Attributes:
        actions: in the order in which the strategy found them, free of duplicates.
        indicators: efficacy indicator name → value (spec: goal's efficacy specification).
        rejections: what was considered and not done (bounded by the strategy, most telling first).
        notes: remarks on the whole (for an empty solution: why it is empty).
    """

    actions: tuple[ProposedAction, ...]
    indicators: Mapping[str, float] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class PlannedAction:
    """An action in its place in the graph of a plan.

    Attributes:
        action: what is to be done.
        parents: places (0-based, in the plan) of the actions that must have *ended* before.
        requires: the subset of ancestors that must have *succeeded*; if one did not, this is
            cancelled.
    """

    action: ProposedAction
    parents: tuple[int, ...]
    requires: tuple[int, ...] = ()


class Planner(Protocol):
    """Puts the actions of a solution in order. Pure: same solution and options, same plan."""

    name: str

    def plan(self, solution: Solution) -> Sequence[PlannedAction]:
        """The actions with their edges, topologically ordered (parents come first)."""
        ...
