"""The event log and the stored records, on SQLite or PostgreSQL.

``upgrade(url)`` creates or updates the schema, ``open_event_log(url)``, ``open_records(url)`` and
``open_seals(url)`` open its tables. Everything else is private.
"""

from application.ports.event_log import UnreadableEvent
from infrastructure.event_log.log import SqlEventLog
from infrastructure.event_log.mapper import Unstorable
from infrastructure.event_log.migrations import SchemaError, check, upgrade
from infrastructure.event_log.opening import open_event_log, open_records, open_seals
from infrastructure.event_log.records import SqlRecords
from infrastructure.event_log.seals import SqlSeals

__all__ = [
    "SchemaError",
    "SqlEventLog",
    "SqlRecords",
    "SqlSeals",
    "UnreadableEvent",
    "Unstorable",
    "check",
    "open_event_log",
    "open_records",
    "open_seals",
    "upgrade",
]
