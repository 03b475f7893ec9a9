from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import application.kernel.product_reasons  # noqa: F401 - renders causes of old events
from domain.kernel.reasons import Cause


def json_value(value: object) -> Any:  # noqa: PLR0911 - one line per kind of value
    """Converts a value to JSON values. Reasons include their rendered text."""
    if isinstance(value, Cause):
        facts = json_value(value.facts)
        return {"reason": value.reason, "facts": facts, "text": str(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: json_value(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {json_key(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(json_value, value), key=str)
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    return value


def json_key(key: object) -> str:
    """The name of a member of a JSON object."""
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
