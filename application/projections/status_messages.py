"""The status messages of audits, plans and actions, rendered from reasons."""

from domain.kernel.reasons import Cause
from domain.plans.action import IN_PROGRESS
from domain.plans.reasons import SKIPPED_BY_USER

LENGTH = 255
"""Maximum number of characters of a status message."""


def cut(text: str) -> str:
    """The text, shortened to ``LENGTH``."""
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def why(because: Cause | None) -> str | None:
    """The message of an audit or a plan: the reason."""
    return None if because is None else cut(str(because))


def waits(because: Cause) -> str:
    """The message of a plan that is held back."""
    return cut(f"Waiting: {because}")


def skipped(because: Cause, note: str | None) -> str:
    """The message of a skipped action."""
    if because.reason == SKIPPED_BY_USER:
        return skipped_by_user(note)
    return cut(f"Action was skipped automatically: {because}")


def skipped_by_user(note: str | None) -> str:
    """The message of an action that a user skipped. ``note``: the user's reason, if given."""
    text = str(Cause(SKIPPED_BY_USER))
    return cut(f"{text} Reason: {note}") if note else text


def failed(before: str, because: Cause) -> str:
    """The message of a failed action.

    Args:
        before: its previous state; an action that had not started failed in its pre-condition.
        because: the reason.
    """
    phase = "execute" if before in IN_PROGRESS else "pre_condition"
    return cut(f"Action failed in {phase}: {because}")
