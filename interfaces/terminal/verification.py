"""The output of `vigil replay verify`."""

from collections.abc import Iterator
from typing import Any

from application.kernel.json_values import json_value
from application.replay.plan_diff import Change, MoveChange
from application.replay.verification import Outcome, RunVerification

SIGNS = {Change.LOST: "-", Change.GAINED: "+", Change.CHANGED: "~"}
DIGEST = 12
"""Characters of a digest that are printed."""


def verdict_line(found: RunVerification) -> str:
    """The verification of a run in one line."""
    subject = f"run {found.run.run}" + (f" ({found.strategy})" if found.strategy else "")
    return f"{subject}: {_verdict(found)}"


def difference_lines(found: RunVerification) -> Iterator[str]:
    """What differs from the published plan; what differs from the code that decided."""
    yield from (f"  {move_line(one)}" for one in found.moves)
    yield from (f"  ~ {one}" for one in found.others)
    if found.changes:
        yield "  changed since the decision (recorded options were used again):"
        yield from (f"    {one}" for one in found.changes)
    elif found.outcome is Outcome.DIFFERENT:
        yield "  strategy, planner and options are as recorded: other code of Vigil was changed"


def verification_json(found: RunVerification) -> dict[str, Any]:
    """The verification as JSON values."""
    plain: dict[str, Any] = json_value(found)
    return plain


def move_line(one: MoveChange) -> str:
    """An action that differs."""
    return f"{SIGNS[one.change]} {one.what}" + (f": {one.detail}" if one.detail else "")


def _verdict(found: RunVerification) -> str:
    match found.outcome:
        case Outcome.IDENTICAL if found.digest:
            digest = found.digest[:DIGEST]
            return f"identical: {found.actions} actions, digest {digest}, {found.seconds:.1f} s"
        case Outcome.IDENTICAL:
            return f"identical: it fails again, {found.seconds:.1f} s: {found.because}"
        case Outcome.DIFFERENT:
            number = len(found.moves) + len(found.others)
            return f"DIFFERENT: {number} differences, published -> repeated, {found.seconds:.1f} s"
        case Outcome.IMPOSSIBLE:
            return f"IMPOSSIBLE to repeat: {found.because}"
        case _:
            return f"no decision: {found.because}"
