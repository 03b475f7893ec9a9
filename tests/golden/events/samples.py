"""One instance of every event class, made from its annotations alone: the same in each run.

``full`` fills every field; ``bare`` leaves out what may be left out.
"""

import dataclasses
import types
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

from domain.kernel.aggregate import Aggregate, Event
from domain.kernel.reasons import CANCELLED_BY_USER
from infrastructure.event_log.event_types import event_types

FORMS = ("full", "bare")
_NAMESPACE = UUID("00000000-0000-5000-8000-000000000000")
_PLAIN: dict[str, object] = {
    "text": 'ünïcode "quoted" \\ 🐧',
    "whole": -7,
    "broken": 0.25,
    "yes": True,
    "nothing": None,
    "list": [1, {"deep": []}],
}
_VALUES: dict[type, Callable[[str], object]] = {
    str: str,
    int: lambda _: 7,
    float: lambda _: 0.25,
    bool: lambda _: True,
    datetime: lambda _: datetime(2026, 11, 24, 12, 30, 0, 250_000, tzinfo=UTC),
    UUID: lambda name: uuid5(_NAMESPACE, name),
}


def aggregate_classes(base: type[Aggregate] = Aggregate) -> list[type[Aggregate]]:
    """The classes of aggregates, and of parts of them, that are imported."""
    found = [one for cls in base.__subclasses__() for one in (cls, *aggregate_classes(cls))]
    return sorted(found, key=lambda cls: cls.__name__)


def product_events() -> dict[str, type[Event]]:
    """Topic → class of every event that the product (not a test) defines."""
    return {
        topic: cls
        for topic, cls in sorted(event_types().items())
        if not cls.__module__.startswith("tests.")
    }


def sample(cls: type[Event], form: str) -> Event:
    """An instance of an event class."""
    hints = get_type_hints(cls)
    fields: dict[str, Any] = {
        field.name: _value(hints[field.name], field.name, full=form == "full")
        for field in dataclasses.fields(cls)
        if field.name not in {"originator_id", "originator_version"}
    }
    return cls(originator_id=UUID(int=1), originator_version=1, **fields)


def _value(hint: Any, name: str, *, full: bool) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        (present,) = (one for one in arguments if one is not type(None))
        return _value(present, name, full=full) if full else None
    if origin is tuple:
        return (_value(arguments[0], name, full=full),) if full else ()
    if origin is list:
        return [_value(arguments[0], name, full=full)] if full else []
    if origin is dict:
        return _mapping(arguments[1]) if full else {}
    if hint in {Any, object}:
        return dict(_PLAIN)
    return _scalar(hint, name, full=full)


def _mapping(values: Any) -> dict[str, object]:
    return {"one": 7, "two": 0} if values is int else dict(_PLAIN)


def _scalar(hint: Any, name: str, *, full: bool) -> object:
    if name.endswith(".reason"):
        return CANCELLED_BY_USER.code
    if issubclass(hint, StrEnum):
        return next(iter(hint))
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        build = cast("Callable[..., object]", hint)
        return build(
            **{
                field.name: _value(hints[field.name], f"{name}.{field.name}", full=full)
                for field in dataclasses.fields(hint)
            }
        )
    return _VALUES[hint](name)


def vocabularies() -> dict[str, list[str]]:
    """Name of every enumeration that events use → its stored values, sorted."""
    found: dict[str, list[str]] = {}
    todo: list[Any] = list(product_events().values())
    seen: set[Any] = set()
    while todo:
        hint = todo.pop()
        todo.extend(get_args(hint))
        if not isinstance(hint, type) or hint in seen:
            continue
        seen.add(hint)
        if issubclass(hint, StrEnum):
            found[hint.__name__] = sorted(hint)
        elif dataclasses.is_dataclass(hint):
            hints = get_type_hints(hint)
            todo.extend(hints[field.name] for field in dataclasses.fields(hint))
    return dict(sorted(found.items()))
