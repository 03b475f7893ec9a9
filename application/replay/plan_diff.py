"""The differences between two plans for the same inputs, move by move."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from application.kernel.json_values import json_value
from domain.plans.action import ActionSpec


class Change(StrEnum):
    """What became of an action in the second plan."""

    LOST = "lost"
    GAINED = "gained"
    CHANGED = "changed"


@dataclass(frozen=True)
class MoveChange:
    """An action that the two plans do not share.

    Attributes:
        what: the action in words, in the plan that has it; in the first one if both have it.
        detail: what differs, if both plans have it.
    """

    change: Change
    what: str
    detail: str = ""


def plan_changes(
    before: Sequence[ActionSpec], after: Sequence[ActionSpec], *, in_full: bool = True
) -> list[MoveChange]:
    """The actions that differ, in the order of the first plan, then those only the second has.

    Args:
        before: a plan.
        after: another one; actions are matched by type and resource.
        in_full: whether reasons and dependencies count, not only parameters.
    """
    waiting: defaultdict[tuple[str, object], list[ActionSpec]] = defaultdict(list)
    for one in after:
        waiting[_key(one)].append(one)
    names = _places(before), _places(after)
    found = []
    for one in before:
        twins = waiting[_key(one)]
        if not twins:
            found.append(MoveChange(Change.LOST, one.what))
            continue
        twin = twins.pop(0)
        details = list(_parameters(one, twin))
        if in_full:
            details += _relations(one, twin, *names)
        if details:
            found.append(MoveChange(Change.CHANGED, one.what, "; ".join(details)))
    left = [one for one in after if any(one is other for other in waiting[_key(one)])]
    return [*found, *(MoveChange(Change.GAINED, one.what) for one in left)]


def same_order(before: Sequence[ActionSpec], after: Sequence[ActionSpec]) -> bool:
    """Whether two plans list the same actions in the same order."""
    return list(map(_key, before)) == list(map(_key, after))


def _key(one: ActionSpec) -> tuple[str, object]:
    return one.type, one.parameters.get("resource_id")


def _places(plan: Sequence[ActionSpec]) -> dict[UUID, str]:
    """How other actions name an action: without what may differ in it."""
    return {
        one.id: f"{one.type} {one.parameters.get('resource_name') or _key(one)[1] or ''}".strip()
        for one in plan
    }


def _parameters(before: ActionSpec, after: ActionSpec) -> Iterator[str]:
    old, new = json_value(before.parameters), json_value(after.parameters)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield f"{name}: {_text(old.get(name))} -> {_text(new.get(name))}"


def _relations(
    before: ActionSpec,
    after: ActionSpec,
    names_before: dict[UUID, str],
    names_after: dict[UUID, str],
) -> Iterator[str]:
    if json_value(before.because) != json_value(after.because):
        yield f"reason: {before.because} -> {after.because}"
    for relation in ("parents", "requires"):
        was = [names_before[one] for one in getattr(before, relation)]
        now = [names_after[one] for one in getattr(after, relation)]
        if sorted(was) != sorted(now):
            yield f"{relation}: {', '.join(was) or '-'} -> {', '.join(now) or '-'}"


def _text(value: object) -> str:
    return "-" if value is None else str(value)
