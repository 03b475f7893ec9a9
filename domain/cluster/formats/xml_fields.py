"""Attributes of the XML form: how values are written, and read back strictly."""

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from xml.etree import ElementTree as ET

from domain.cluster.table.values import UnreadableValue, amount, truth
from domain.kernel.errors import InvalidValue

_NONE = "None"
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, escaped or not (XML 1.0, 2.2)."""
_SHOWN = 100
N = TypeVar("N", int, float)


def element(parent: ET.Element, tag: str, fields: Mapping[str, object]) -> ET.Element:
    """An element with a field per attribute; maps and lists are JSON, null is ``None``.

    A character that XML cannot hold is replaced: one odd name must not spoil the document.
    """
    return ET.SubElement(parent, tag, {key: _text(value) for key, value in fields.items()})


def _text(value: object) -> str:
    written = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
    return _UNFIT.sub("\ufffd", written)


def root_of(text: str) -> ET.Element:
    """The root of a document.

    Raises:
        InvalidValue: the text is no XML.
    """
    try:
        return ET.fromstring(text)  # noqa: S314 - an operator's own fixture, not traffic
    except ET.ParseError as error:
        raise InvalidValue("xml", f"must be well-formed: {error}") from error


def required(attributes: Mapping[str, str], name: str) -> str:
    """A text that must be there."""
    if name not in attributes:
        raise InvalidValue(name, "is missing")
    return attributes[name]


def optional(attributes: Mapping[str, str], name: str) -> str | None:
    """A text; None when it is missing, empty or ``None``."""
    value = attributes.get(name)
    return None if value in (None, _NONE, "") else value


def number(attributes: Mapping[str, str], name: str, kind: Callable[[str], N]) -> N | None:
    """A number; None when it is missing or ``None``."""
    value = optional(attributes, name)
    try:
        return None if value is None else kind(value)
    except ValueError as error:
        raise InvalidValue(name, f"must be a number, not {value!r}") from error


def capacity(attributes: Mapping[str, str], name: str) -> float | None:
    """A capacity; None when it is not known, infinity when it has no limit."""
    value = optional(attributes, name)
    try:
        return None if value is None else amount(value)
    except UnreadableValue as error:
        raise InvalidValue(name, f"must be a capacity, not {value!r}") from error


def flag(attributes: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """A truth."""
    try:
        value = truth(attributes.get(name))
    except UnreadableValue as error:
        raise InvalidValue(name, f"must be True or False, not {attributes[name]!r}") from error
    return default if value is None else value


def json_map(attributes: Mapping[str, str], name: str) -> dict[str, object]:
    """A JSON object; empty when it is missing."""
    value = _json(attributes, name, "{}")
    if not isinstance(value, dict):
        raise InvalidValue(name, f"must be a JSON object, not {attributes[name]!r}")
    return value


def json_objects(attributes: Mapping[str, str], name: str) -> list[dict[str, object]]:
    """A JSON list of objects; empty when it is missing."""
    value = _json(attributes, name, "[]")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidValue(name, f"must be a JSON list of objects, not {attributes[name]!r}")
    return value


def texts(attributes: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A JSON list of texts, or (older fixtures) one text that stands alone."""
    value = attributes.get(name, "")
    if not value.startswith("["):
        return (value,) if value else ()
    read = _json(attributes, name, "[]")
    if not isinstance(read, list):
        raise InvalidValue(name, f"must be a JSON list, not {value!r}")
    return tuple(str(item) for item in read)


def _json(attributes: Mapping[str, str], name: str, default: str) -> object:
    text = attributes.get(name, default)
    try:
        read: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(name, f"must be JSON, not {text[:_SHOWN]!r}") from error
    return read
