"""Words, colours and bars that all terminal output shares."""

from collections.abc import Mapping
from typing import NamedTuple

from application.queries.targets import action_target
from infrastructure.logs import one_line

STATE_STYLES = {
    "SUCCEEDED": "green",
    "FAILED": "red",
    "ONGOING": "cyan",
    "PENDING": "yellow",
    "RECOMMENDED": "yellow",
    "SKIPPED": "magenta",
    "CANCELLED": "magenta",
    "CANCELLING": "magenta",
    "SUPERSEDED": "dim",
    "SUSPENDED": "magenta",
    "DELETED": "dim",
}
"""State → style."""
STATE_SIGNS = {"SUCCEEDED": "✓", "FAILED": "✗", "SKIPPED": "-", "CANCELLED": "-", "ONGOING": "▶"}
"""State → sign; others have ``·``."""


class Counts(NamedTuple):
    """The numbers of actions of a plan, in all and by outcome."""

    total: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int


def target(parameters: Mapping[str, object]) -> str:
    """The target of an action, in a few words."""
    return one_line(action_target(parameters))


def age(seconds: float) -> str:
    """A duration in its largest fitting unit: ``7s``, ``3m``, ``5h``, ``2d``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def duration(seconds: float) -> str:
    """A duration in its two largest units: ``1h 5m``, ``40s``."""
    days, left = divmod(round(seconds), 86400)
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (left, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count) or "0s"


def sizes(counts: Mapping[str, int]) -> str:
    """Counts as text: ``30 hosts, 300 servers``."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def outcomes(plan: Counts) -> list[tuple[int, str]]:
    """The numbers of actions that ended without success, above 0: ``(2, "failed")``."""
    found = [(plan.failed, "failed"), (plan.cancelled, "cancelled"), (plan.skipped, "skipped")]
    return [(count, state) for count, state in found if count]


def bar(fraction: float, width: int) -> str:
    """A progress bar of block characters."""
    full = round(max(0.0, min(1.0, fraction)) * width)
    return "█" * full + "░" * (width - full)
