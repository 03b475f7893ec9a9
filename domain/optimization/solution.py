"""What a strategy returns: unordered actions, efficacy indicators, and remarks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.cluster.placement.load import MeasuredLoad
from domain.kernel.reasons import Cause
from domain.plans.proposal import ProposedAction

SubjectKind = Literal["server", "host", "pool", "volume", "node"]


@dataclass(frozen=True)
class Subject:
    """A resource that a strategy considered.

    Attributes:
        kind: of the resource.
        id: its id (a host's is that of its hypervisor).
        name: shown to users; empty if it has none.
    """

    kind: SubjectKind
    id: str
    name: str = ""

    def __str__(self) -> str:
        """Kind and name, or id."""
        return f"{self.kind} {self.name or self.id}"


@dataclass(frozen=True)
class Rejection:
    """An alternative that was considered and not proposed, and why.

    Attributes:
        subject: what was considered; text in records of the first versions.
        because: the rule or threshold that it violates.
    """

    subject: Subject | str
    because: Cause


@dataclass(frozen=True)
class Solution:
    """The outcome of a strategy.

    Attributes:
        actions: in the order in which the strategy found them, free of duplicates.
        indicators: efficacy indicator name → value (of the goal's efficacy specification).
        notes: remarks, most important first; for an empty solution, why it is empty. The plan shows
            the first one as its message.
        load: measured use and its limits, if the plan is to respect them: the verifier then checks
            them with the placement rules.
    """

    actions: tuple[ProposedAction, ...]
    indicators: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Cause, ...] = ()
    load: MeasuredLoad | None = field(default=None, compare=False)
