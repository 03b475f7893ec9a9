"""The output of `vigil replay whatif`: two plans side by side."""

from collections.abc import Iterator

from application.replay.plan_diff import Change
from application.replay.whatif import Fork, PlanFigures
from interfaces.terminal.verification import move_line

NAME, VALUE = 30, 28
"""Columns of names and values."""
MOVES = 40
"""Actions that are listed as text."""


def fork_lines(fork: Fork, *, every: bool) -> Iterator[str]:
    """Both plans in figures, and the actions that differ.

    Args:
        fork: the comparison.
        every: whether to list all actions that differ.
    """
    rows = [("", "published", "fork"), *_rows(fork.before, fork.after)]
    for name, before, after in rows:
        mark = " " if not name or before == after else "*"
        yield f"{mark} {name:<{NAME}} {before:<{VALUE}} {after}".rstrip()
    if fork.after.failure:
        yield f"there is no plan: {fork.after.failure}"
    counts = {kind: sum(one.change is kind for one in fork.moves) for kind in Change}
    yield "actions: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())
    shown = fork.moves if every else fork.moves[:MOVES]
    yield from (f"  {move_line(one)}" for one in shown)
    if len(shown) < len(fork.moves):
        yield f"  {len(fork.moves) - len(shown)} more (--all lists them)"
    yield from (f"note: {note}" for note in fork.notes)


def _rows(before: PlanFigures, after: PlanFigures) -> Iterator[tuple[str, str, str]]:
    yield "strategy", before.strategy, after.strategy
    for name in ("actions", "migrations"):
        yield name, str(getattr(before, name)), str(getattr(after, name))
    yield "rules broken, by those of fork", str(before.violations), str(after.violations)
    for figures in ("efficacy", "indicators"):
        old, new = getattr(before, figures), getattr(after, figures)
        for name in dict.fromkeys((*old, *new)):
            yield name, _number(old.get(name)), _number(new.get(name))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
