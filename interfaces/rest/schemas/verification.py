"""The verification of a run."""

from uuid import UUID

import msgspec

from application.replay.verification import RunVerification


class MoveChangeDocument(msgspec.Struct, kw_only=True):
    """An action that differs.

    Attributes:
        change: ``lost``: only the published plan has it; ``gained``: only the repetition;
            ``changed``: both have it.
        action: the action in words.
        detail: what differs, if both have it.
    """

    change: str
    action: str
    detail: str


class CodeChangeDocument(msgspec.Struct, kw_only=True):
    """Something that the decision record names and that is different today.

    Attributes:
        recorded, today: empty if there is none.
    """

    what: str
    recorded: str
    today: str


class VerificationDocument(msgspec.Struct, kw_only=True):
    """The result of repeating the decision of a run.

    Attributes:
        outcome: ``identical``, ``different``, ``impossible`` (something that the decision needs is
            missing) or ``no decision`` (there is nothing to repeat).
        because: why a decision cannot be repeated, or why the run failed.
        strategy: that decided.
        actions: number of actions of the published plan.
        explanation: SHA-256 digest of the published decision with its reasons.
        seconds: that the repetition took.
        moves: actions that differ, published against repeated.
        differences: further differences, a sentence each.
        changes: what has changed since the decision: versions, plug-ins, options.
    """

    run_uuid: UUID
    audit_uuid: UUID
    action_plan_uuid: UUID | None
    outcome: str
    because: str
    strategy: str
    actions: int
    explanation: str
    seconds: float
    moves: list[MoveChangeDocument]
    differences: list[str]
    changes: list[CodeChangeDocument]


def verification(found: RunVerification) -> VerificationDocument:
    """The document of a verification."""
    return VerificationDocument(
        run_uuid=found.run.run,
        audit_uuid=found.run.audit,
        action_plan_uuid=found.run.plan,
        outcome=found.outcome.value,
        because=found.because,
        strategy=found.strategy,
        actions=found.actions,
        explanation=found.digest,
        seconds=round(found.seconds, 3),
        moves=[
            MoveChangeDocument(change=one.change.value, action=one.what, detail=one.detail)
            for one in found.moves
        ],
        differences=list(found.others),
        changes=[
            CodeChangeDocument(what=one.what, recorded=one.recorded, today=one.today)
            for one in found.changes
        ],
    )
