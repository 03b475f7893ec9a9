from typing import Any

from domain.kernel.aggregate import Created, Event, JsonObject


class AuditTemplateCreated(Created):
    """A user created the template.

    Attributes:
        goal, strategy: registered names.
        scope: list form, as in the API.
        default_parameters: of audits created from it; the audit's own parameters override them.
    """

    TOPIC = "audit-template.created"
    name: str
    description: str | None
    goal: str
    strategy: str | None
    scope: list[Any]
    default_parameters: JsonObject


class AuditTemplateChanged(Event):
    """A user changed attributes; existing audits are not affected.

    Attributes:
        changes: attribute → new value.
    """

    TOPIC = "audit-template.changed"
    changes: JsonObject


class AuditTemplateDeleted(Event):
    """The template was deleted; its name is free again."""

    TOPIC = "audit-template.deleted"
