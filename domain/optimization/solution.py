"""What a strategy returns: unordered actions, efficacy indicators, and the reasons for both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.kernel.reasons import Cause
from domain.plans.proposal import PlannedAction, ProposedAction


@dataclass(frozen=True)
class Rejection:
    """An alternative that was considered and not proposed, and why.

    Attributes:
        subject: what was considered ("server <uuid>", "host <name>").
        because: the rule or threshold that it violates.
    """

    subject: str
    because: Cause


@dataclass(frozen=True)
class Solution:
    """The outcome of a strategy.

    Attributes:
        actions: in the order in which the strategy found them, free of duplicates.
        indicators: efficacy indicator name → value (of the goal's efficacy specification).
        rejections: rejected alternatives, most important first; the strategy limits their number.
        notes: general remarks; for an empty solution, why it is empty.
    """

    actions: tuple[ProposedAction, ...]
    indicators: Mapping[str, float] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[Cause, ...] = ()


class Planner(Protocol):
    """Puts the actions of a solution in order. Pure: same solution and options, same plan."""

    name: str

    def plan(self, solution: Solution) -> Sequence[PlannedAction]:
        """The actions with their edges, topologically ordered (parents come first)."""
        ...
