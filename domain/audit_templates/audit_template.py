from typing import Any, Self
from uuid import UUID

from domain.audit_templates.events import (
    AuditTemplateChanged,
    AuditTemplateCreated,
    AuditTemplateDeleted,
)
from domain.kernel.aggregate import Aggregate, JsonObject, evolves
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.metadata import Context

CHANGEABLE = frozenset({"name", "description", "goal", "strategy", "scope", "default_parameters"})


class AuditTemplate(Aggregate):
    """Reusable defaults for audits: a goal, and optionally a strategy, scope and parameters."""

    TOPIC = "audit-template"

    name: str
    description: str | None
    goal: str
    strategy: str | None
    scope: list[Any]
    default_parameters: JsonObject
    deleted: bool = False

    @classmethod
    def create(
        cls,
        ctx: Context,
        template_id: UUID,
        *,
        name: str,
        goal: str,
        strategy: str | None = None,
        description: str | None = None,
        scope: list[Any] | None = None,
        default_parameters: JsonObject | None = None,
    ) -> Self:
        """Creates a template; the caller has looked up goal and strategy.

        Raises:
            InvalidValue: there are default parameters but no strategy.
        """
        if default_parameters and strategy is None:
            raise InvalidValue("default_parameters", "need a strategy")
        return cls._new(
            AuditTemplateCreated,
            ctx,
            template_id,
            name=name,
            description=description,
            goal=goal,
            strategy=strategy,
            scope=scope or [],
            default_parameters=default_parameters or {},
        )

    def change(self, ctx: Context, changes: JsonObject) -> None:
        """Changes attributes; the caller has validated the values.

        Raises:
            InvalidValue: an attribute cannot be changed, or default parameters have no strategy.
        """
        self._check_exists()
        for name in changes:
            if name not in CHANGEABLE:
                raise InvalidValue(name, "cannot be changed")
        if changes.get("default_parameters") and changes.get("strategy", self.strategy) is None:
            raise InvalidValue("default_parameters", "need a strategy")
        if changes:
            self._trigger(AuditTemplateChanged, ctx, changes=changes)

    def delete(self, ctx: Context) -> None:
        """Marks it as deleted."""
        self._check_exists()
        self._trigger(AuditTemplateDeleted, ctx)

    def _check_exists(self) -> None:
        if self.deleted:
            raise NotFound("AuditTemplate", self.id)

    @evolves
    def _changed(self, event: AuditTemplateChanged) -> None:
        vars(self).update(event.changes)

    @evolves
    def _deleted(self, _: AuditTemplateDeleted) -> None:
        self.deleted = True
