from typing import Any

from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import (
    ACTION_TYPES,
    CATALOGUE_SCHEMA,
    GOALS,
    SCORING_ENGINES,
    STRATEGIES,
)
from application.projections import references
from application.projections.event_dispatcher import EventDispatcher
from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.catalogue.events import DefinitionChanged, DefinitionRegistered, DefinitionRetired

_TABLES = {
    PluginKind.GOAL: GOALS,
    PluginKind.STRATEGY: STRATEGIES,
    PluginKind.SCORING_ENGINE: SCORING_ENGINES,
    PluginKind.ACTION_TYPE: ACTION_TYPES,
}
"""No query shows planners."""


class CatalogueProjection(EventDispatcher):
    """Goals, strategies, scoring engines, action types. One that returns keeps its row."""

    def __init__(self) -> None:
        super().__init__(
            CATALOGUE_SCHEMA,
            {
                DefinitionRegistered: self._registered,
                DefinitionChanged: self._registered,
                DefinitionRetired: self._retired,
            },
        )

    def _registered(
        self,
        recorded: RecordedEvent,
        event: DefinitionRegistered | DefinitionChanged,
        tables: Tables,
    ) -> None:
        definition = event.definition
        table = _TABLES.get(definition.kind)
        if table is None:
            return
        key = _key(definition.kind, definition.name)
        values = _details(definition)
        if tables.get(table.name, key) is None:
            tables.insert(
                table.name,
                {
                    "id": recorded.position,
                    table.key: key,
                    **values,
                    "created_at": event.timestamp,
                    "updated_at": None,
                    "deleted_at": None,
                },
            )
        else:
            values |= {"updated_at": event.timestamp, "deleted_at": None}
            tables.update(table.name, key, values)

    def _retired(self, _: RecordedEvent, event: DefinitionRetired, tables: Tables) -> None:
        table = _TABLES.get(event.kind)
        if table is not None:
            retired = {"updated_at": event.timestamp, "deleted_at": event.timestamp}
            tables.update(table.name, _key(event.kind, event.name), retired)


def _key(kind: PluginKind, name: str) -> object:
    return name if kind is PluginKind.ACTION_TYPE else references.identity(kind, name)


def _details(definition: PluginDefinition) -> dict[str, Any]:
    details = definition.details
    description = details.get("description") or ""
    if definition.kind is PluginKind.ACTION_TYPE:
        return {"description": description, "parameters_schema": details.get("schema") or {}}
    named: dict[str, Any] = {"name": definition.name, "name_key": definition.name.casefold()}
    match definition.kind:
        case PluginKind.GOAL:
            return named | {
                "display_name": definition.display_name,
                "efficacy_specification": details.get("efficacy_specification") or [],
            }
        case PluginKind.STRATEGY:
            return named | {
                "display_name": definition.display_name,
                **references.goal(str(details["goal"])),
                "parameters_spec": details.get("parameters_spec") or {},
            }
        case _:
            return named | {"description": description, "metainfo": details.get("metainfo")}
