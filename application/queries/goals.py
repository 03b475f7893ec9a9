"""Goals with their strategies, and audit templates that name a removed strategy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from uuid import UUID

from application.ports.read_models import AuditTemplateView, GoalView, Page, ReadModels

ALL = Page(limit=500, show_deleted=True)


class _Row(Protocol):
    @property
    def uuid(self) -> UUID: ...


T = TypeVar("T", bound=_Row)


@dataclass(frozen=True)
class GoalStrategies:
    """A goal and its strategies.

    Attributes:
        name, display_name: of the goal.
        removed: whether it is not installed any more.
        strategies: names of the installed ones; without any, audits for the goal are refused.
        removed_strategies: names of those that were installed before.
    """

    name: str
    display_name: str
    removed: bool
    strategies: list[str]
    removed_strategies: list[str]


def goal_strategies(read: ReadModels) -> list[GoalStrategies]:
    """All goals, also removed ones, by name."""
    strategies = list(_every(lambda page: read.strategies(page, {})))

    def row(goal: GoalView) -> GoalStrategies:
        its = [one for one in strategies if one.goal_uuid == goal.uuid]
        return GoalStrategies(
            name=goal.name,
            display_name=goal.display_name,
            removed=goal.deleted_at is not None,
            strategies=sorted(one.name for one in its if one.deleted_at is None),
            removed_strategies=sorted(one.name for one in its if one.deleted_at is not None),
        )

    return sorted((row(goal) for goal in _every(read.goals)), key=lambda one: one.name)


def templates_of_removed(read: ReadModels) -> list[AuditTemplateView]:
    """Audit templates whose strategy is not installed any more."""
    strategies = _every(lambda page: read.strategies(page, {}))
    removed = {one.uuid for one in strategies if one.deleted_at is not None}
    templates = _every(lambda page: read.audit_templates(page, {}))
    return [one for one in templates if one.deleted_at is None and one.strategy_uuid in removed]


def _every(fetch: Callable[[Page], list[T]]) -> Iterator[T]:
    page = ALL
    while rows := fetch(page):
        yield from rows
        page = replace(ALL, marker=str(rows[-1].uuid))
