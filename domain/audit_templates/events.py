from typing import TYPE_CHECKING, Any

from domain.kernel.aggregate import Created, Event, JsonObject

if TYPE_CHECKING:
    from domain.audit_templates.audit_template import AuditTemplate


class AuditTemplateCreated(Created):
    """A template was stored.

    Attributes:
        goal, strategy: registered names.
        scope: list form, as the API takes it.
        default_parameters: merged under the parameters of audits made from it.
    """

    TOPIC = "audit-template.created"
    name: str
    description: str | None
    goal: str
    strategy: str | None
    scope: list[Any]
    default_parameters: JsonObject

    def apply(self, aggregate: "AuditTemplate") -> None:
        aggregate.assign(
            {
                "name": self.name,
                "description": self.description,
                "goal": self.goal,
                "strategy": self.strategy,
                "scope": self.scope,
                "default_parameters": self.default_parameters,
            }
        )


class AuditTemplateChanged(Event):
    """Attributes were changed; audits made before are not affected.

    Attributes:
        changes: attribute → new value.
    """

    TOPIC = "audit-template.changed"
    changes: JsonObject

    def apply(self, aggregate: "AuditTemplate") -> None:
        aggregate.assign(self.changes)


class AuditTemplateDeleted(Event):
    """It is no longer shown; its name is free again."""

    TOPIC = "audit-template.deleted"

    def apply(self, aggregate: "AuditTemplate") -> None:
        aggregate.deleted = True
