from collections.abc import Callable, Mapping
from typing import Any

from application.ports.columns import ProjectionSchema
from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from domain.kernel.aggregate import Event

Handler = Callable[[RecordedEvent, Any, Tables], None]
"""Applies one type of event. Arguments: the record, its event, the tables."""


class EventDispatcher:
    """A projection with a handler per event type.

    Args:
        schema: its name, version and tables.
        handlers: event class → handler.
    """

    def __init__(self, schema: ProjectionSchema, handlers: Mapping[type[Event], Handler]) -> None:
        self.schema = schema
        self._handlers = {str(vars(kind)["TOPIC"]): handler for kind, handler in handlers.items()}
        self.topics: frozenset[str] | None = frozenset(self._handlers)

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        """Applies one event."""
        self._handlers[recorded.topic](recorded, recorded.event, tables)
