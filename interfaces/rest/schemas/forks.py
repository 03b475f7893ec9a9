"""A fork of a recorded decision."""

from typing import Any

import msgspec

from application.replay.whatif import Fork, PlanFigures, Variation
from interfaces.rest.schemas.verification import MoveChangeDocument


class VariationRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is changed.

    Attributes:
        parameters: of the strategy, by name; the others stay as recorded.
        strategy: another strategy.
        without_hosts: names of hosts that are outside the scope of the decision.
        rules: further operator rules (docs/constraints.md).
        without_rules: operator rules to drop: ``bans`` or ``bans[0]``.
    """

    parameters: dict[str, Any] = {}
    strategy: str | None = None
    without_hosts: list[str] = []
    rules: dict[str, Any] | None = None
    without_rules: list[str] = []

    def variation(self) -> Variation:
        """The variation that it describes."""
        return Variation(
            self.parameters,
            self.strategy,
            tuple(self.without_hosts),
            self.rules,
            tuple(self.without_rules),
        )


class PlanFiguresDocument(msgspec.Struct, kw_only=True):
    """A plan in figures.

    Attributes:
        migrations: number of its actions that migrate a server.
        indicators, efficacy: efficacy indicator, global figure → value.
        violations: placement rules of the fork that the plan breaks.
        failure: why there is no plan; empty if there is one.
    """

    strategy: str
    actions: int
    migrations: int
    indicators: dict[str, float]
    efficacy: dict[str, float | None]
    violations: int
    failure: str


class ForkDocument(msgspec.Struct, kw_only=True):
    """The published plan and that of the fork.

    Attributes:
        moves: actions that differ: ``lost`` are only in the published plan.
        notes: remarks on the variation and on the plan of the fork.
    """

    published: PlanFiguresDocument
    fork: PlanFiguresDocument
    moves: list[MoveChangeDocument]
    notes: list[str]


def fork(found: Fork) -> ForkDocument:
    """The document of a fork."""
    return ForkDocument(
        published=_figures(found.before),
        fork=_figures(found.after),
        moves=[
            MoveChangeDocument(change=one.change.value, action=one.what, detail=one.detail)
            for one in found.moves
        ],
        notes=list(found.notes),
    )


def _figures(plan: PlanFigures) -> PlanFiguresDocument:
    return PlanFiguresDocument(
        strategy=plan.strategy,
        actions=plan.actions,
        migrations=plan.migrations,
        indicators=dict(plan.indicators),
        efficacy=dict(plan.efficacy),
        violations=plan.violations,
        failure=plan.failure,
    )
