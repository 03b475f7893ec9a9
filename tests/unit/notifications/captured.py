"""Notifications that a real Nova 34 sent, in order, with ids and names exchanged.

One server's life: created, renamed, given metadata, locked, paused, suspended, stopped, rescued,
live migrated, cold migrated (confirmed, then reverted), resized, shelved, unshelved, rebuilt,
rebooted, deleted; then one that found no host; a service, disabled and enabled; an aggregate; a
server group with a member. ``[notifications] notify_on_state_change`` was ``vm_and_task_state``.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

Body = dict[str, Any]
SERVER = "00000000-0000-4000-8000-000000000002"


@cache
def _lines() -> tuple[str, ...]:
    return tuple((Path(__file__).parent / "nova_34.jsonl").read_text("utf-8").splitlines())


def captured(*events: str) -> list[Body]:
    """The messages (of some event types), in the order in which they were sent."""
    bodies = [json.loads(line) for line in _lines()]
    return [body for body in bodies if not events or body["event_type"] in events]


def data(body: Body) -> dict[str, Any]:
    """The fields of a versioned payload."""
    found: dict[str, Any] = body["payload"]["nova_object.data"]
    return found
