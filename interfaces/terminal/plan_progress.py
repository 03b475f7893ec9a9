"""How far a plan is: what succeeded, and apart from it what did not."""

from rich.text import Text

from interfaces.terminal.wording import Counts, outcomes

FULL, EMPTY = "█", "░"
_DONE = "cyan"
_STYLES = {"failed": "red", "cancelled": "red", "skipped": "magenta"}


def progress_bar(plan: Counts, width: int) -> Text:
    """A bar of the succeeded, failed, skipped, cancelled and remaining actions.

    Only actions that had an effect, or were skipped, fill it: that of a superseded plan is empty.

    Args:
        plan: one without actions is full.
        width: columns.
    """
    ended = plan.succeeded + plan.failed + plan.skipped + plan.cancelled
    parts = (
        (plan.succeeded, FULL, _DONE),
        (plan.failed, FULL, _STYLES["failed"]),
        (plan.skipped, FULL, _STYLES["skipped"]),
        (plan.cancelled, EMPTY, _STYLES["cancelled"]),
        (plan.total - ended, EMPTY, _DONE),
    )
    if not plan.total:
        return Text(FULL * width, style=_DONE)
    text, until = Text(), 0
    for count, block, style in parts:
        until += count
        text.append(block * (round(until / plan.total * width) - len(text)), style=style)
    return text


def unsuccessful(plan: Counts) -> Text:
    """The numbers of actions that ended without success: ``2 failed 1 skipped``."""
    parts = (Text(f"{count} {state}", style=_STYLES[state]) for count, state in outcomes(plan))
    return Text(" ").join(parts)
