"""How far a plan is: what succeeded, apart from it what did not, and what is left."""

from rich.text import Text

from application.queries.overview import PlanLine, RunningLine
from domain.plans.plan_states import RUNNING
from interfaces.terminal.wording import duration, outcomes

GB = 1e9
FULL, EMPTY = "█", "░"
_DONE = "cyan"
_STYLES = {"failed": "red", "cancelled": "red", "skipped": "magenta"}


def progress_bar(plan: PlanLine, width: int) -> Text:
    """A bar of the succeeded, failed, skipped, cancelled and remaining actions.

    Only actions that had an effect, or were skipped, fill it: that of a superseded plan is empty.

    Args:
        plan: one without actions is full.
        width: columns.
    """
    parts = (
        (plan.succeeded, FULL, _DONE),
        (plan.failed, FULL, _STYLES["failed"]),
        (plan.skipped, FULL, _STYLES["skipped"]),
        (plan.cancelled, EMPTY, _STYLES["cancelled"]),
        (plan.total - plan.ended, EMPTY, _DONE),
    )
    if not plan.total:
        return Text(FULL * width, style=_DONE)
    text, until = Text(), 0
    for count, block, style in parts:
        until += count
        text.append(block * (round(until / plan.total * width) - len(text)), style=style)
    return text


def unsuccessful(plan: PlanLine) -> Text:
    """The numbers of actions that ended without success: ``2 failed 1 skipped``."""
    parts = (Text(f"{count} {state}", style=_STYLES[state]) for count, state in outcomes(plan))
    return Text(" ").join(parts)


def rest(plan: PlanLine) -> str:
    """How long a plan takes from now on, empty if it has ended: ``1h 5m left``."""
    if plan.rest is None:
        return ""
    if plan.rest.seconds is None:
        types = f" ({', '.join(plan.rest.unknown)})" if plan.rest.unknown else ""
        return f"duration unknown{types}"
    takes = duration(plan.rest.seconds)
    return f"{takes} left" if plan.state in RUNNING else f"takes {takes}"


def amount(move: RunningLine) -> str:
    """What a running action has copied, empty if that is unknown: ``3.4 of 8.0 GB``."""
    if move.copied is None:
        return ""
    return f"{move.copied / GB:.1f}{f' of {move.size / GB:.1f}' if move.size else ''} GB"
