from typing import Any

from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import AUDIT_TEMPLATE_SCHEMA, AUDIT_TEMPLATES
from application.projections import references
from application.projections.event_dispatcher import EventDispatcher
from domain.audit_templates.events import (
    AuditTemplateChanged,
    AuditTemplateCreated,
    AuditTemplateDeleted,
)
from domain.kernel.aggregate import JsonObject


class AuditTemplatesProjection(EventDispatcher):
    """Audit templates, deleted ones included."""

    def __init__(self) -> None:
        super().__init__(
            AUDIT_TEMPLATE_SCHEMA,
            {
                AuditTemplateCreated: self._created,
                AuditTemplateChanged: self._changed,
                AuditTemplateDeleted: self._deleted,
            },
        )

    def _created(
        self, recorded: RecordedEvent, event: AuditTemplateCreated, tables: Tables
    ) -> None:
        tables.insert(
            AUDIT_TEMPLATES.name,
            {
                "id": recorded.position,
                "uuid": event.originator_id,
                "name": event.name,
                "name_key": event.name.casefold(),
                "description": event.description,
                **references.goal(event.goal),
                **references.strategy(event.strategy),
                "scope": event.scope,
                "default_parameters": event.default_parameters,
                "created_at": event.timestamp,
                "updated_at": None,
                "deleted_at": None,
            },
        )

    def _changed(self, _: RecordedEvent, event: AuditTemplateChanged, tables: Tables) -> None:
        values = _columns(event.changes) | {"updated_at": event.timestamp}
        tables.update(AUDIT_TEMPLATES.name, event.originator_id, values)

    def _deleted(self, _: RecordedEvent, event: AuditTemplateDeleted, tables: Tables) -> None:
        deleted = {"updated_at": event.timestamp, "deleted_at": event.timestamp}
        tables.update(AUDIT_TEMPLATES.name, event.originator_id, deleted)


def _columns(changes: JsonObject) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "goal":
            values |= references.goal(str(value))
        elif name == "strategy":
            values |= references.strategy(None if value is None else str(value))
        elif name == "name":
            values |= {"name": str(value), "name_key": str(value).casefold()}
        else:
            values[name] = value
    return values
