"""The status messages that the API shows (runtime 3.9, rest-api 3.5), rendered from reasons."""

from domain.kernel.reasons import Cause, Reason
from domain.plans.action import ActionState

LENGTH = 255
"""Characters that a status message may have."""


def cut(text: str) -> str:
    """A text, shortened to what a status message may have."""
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def why(because: Cause | None) -> str | None:
    """A reason by itself, as an audit or a plan shows it."""
    return None if because is None else cut(str(because))


def skipped(because: Cause, note: str | None) -> str:
    """What a skipped action says."""
    if because.reason is Reason.SKIPPED_BY_USER:
        return skipped_by_user(note)
    return cut(f"Action was skipped automatically: {because}")


def skipped_by_user(note: str | None) -> str:
    """What an action says that a user skipped, with or without giving a reason."""
    text = str(Cause(Reason.SKIPPED_BY_USER))
    return cut(f"{text} Reason: {note}") if note else text


def failed(before: str, because: Cause) -> str:
    """What a failed action says.

    Args:
        before: the state it was in; one that had not started failed in its pre-condition.
        because: why.
    """
    phase = "execute" if before == ActionState.ONGOING else "pre_condition"
    return cut(f"Action failed in {phase}: {because}")
