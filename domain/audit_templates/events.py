from typing import Any

from domain.kernel.aggregate import Created, Event, JsonObject


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


class AuditTemplateChanged(Event):
    """Attributes were changed; audits made before are not affected.

    Attributes:
        changes: attribute → new value.
    """

    TOPIC = "audit-template.changed"
    changes: JsonObject


class AuditTemplateDeleted(Event):
    """It is no longer shown; its name is free again."""

    TOPIC = "audit-template.deleted"
