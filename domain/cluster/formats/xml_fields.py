"""Attributes of the XML form: how values are written, and read back by the type of their field."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

from domain.cluster.table.records import Amount, Id, Ratio, field_types, required_fields
from domain.cluster.table.values import Capacity, Flag, UnreadableValue, amount, truth
from domain.kernel.errors import InvalidValue

_NONE = "None"
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, escaped or not (XML 1.0, 2.2)."""
_SHOWN = 100
Reader = Callable[[str, str], object]
"""Reads the value of an attribute; takes the attribute's name for errors, and the value."""


def element(parent: ET.Element, tag: str, fields: Mapping[str, object]) -> ET.Element:
    """An element with an attribute per field; maps and lists are JSON, null is ``None``.

    A character that XML cannot hold is replaced by U+FFFD.
    """
    return ET.SubElement(parent, tag, {key: _written(value) for key, value in fields.items()})


def _written(value: object) -> str:
    text = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
    return _UNFIT.sub("\ufffd", text)


def root_of(text: str) -> ET.Element:
    """The root of a document.

    Raises:
        InvalidValue: the text is no XML.
    """
    try:
        return ET.fromstring(text)  # noqa: S314 - an operator's own fixture, not traffic
    except ET.ParseError as error:
        raise InvalidValue("xml", f"must be well-formed: {error}") from error


def field_reader(
    record: type[Any], names: Mapping[str, str], readers: Mapping[object, Reader] | None = None
) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    """Makes a function that reads an element's attributes: it returns field name → value.

    It leaves out fields whose attribute is missing. It raises InvalidValue, which names the
    attribute, for a missing attribute of a field without a default and for a bad value.

    Args:
        record: class of the record that has the fields.
        names: attribute → field. Names that are no fields of the record are not read.
        readers: type of a field → its reader, in addition to the usual types.
    """
    types, required = field_types(record), required_fields(record)
    known = {**_READERS, **(readers or {})}
    read = {name: (field, known[types[field]]) for name, field in names.items() if field in types}
    needed = [name for name, field in names.items() if field in required]

    def read_fields(attributes: Mapping[str, str]) -> dict[str, Any]:
        for name in needed:
            if name not in attributes:
                raise InvalidValue(name, "is missing")
        return {
            field: reader(name, attributes[name])
            for name, (field, reader) in read.items()
            if name in attributes
        }

    return read_fields


def optional(_: str, value: str) -> str | None:
    """A text; None when it is empty or ``None``."""
    return None if value in (_NONE, "") else value


def flag(name: str, value: str) -> bool:
    """True or False."""
    try:
        return bool(truth(value))
    except UnreadableValue as error:
        raise InvalidValue(name, f"must be True or False, not {value!r}") from error


def json_objects(name: str, value: str) -> list[dict[str, object]]:
    """A JSON list of objects."""
    read = _json(name, value, "a JSON list of objects")
    if not isinstance(read, list) or not all(isinstance(item, dict) for item in read):
        raise InvalidValue(name, f"must be a JSON list of objects, not {value!r}")
    return read


def texts(name: str, value: str) -> tuple[str, ...]:
    """A JSON list of texts, or (older fixtures) one text that stands alone."""
    if not value.startswith("["):
        return (value,) if value else ()
    read = _json(name, value, "a JSON list")
    if not isinstance(read, list):
        raise InvalidValue(name, f"must be a JSON list, not {value!r}")
    return tuple(str(item) for item in read)


def _text(_: str, value: str) -> str:
    return value


def _number(kind: Callable[[str], float], name: str, value: str) -> float:
    try:
        return kind(value)
    except ValueError as error:
        raise InvalidValue(name, f"must be a number, not {value!r}") from error


def _optional_whole(name: str, value: str) -> float | None:
    return None if optional(name, value) is None else _number(int, name, value)


def _capacity(name: str, value: str) -> float | None:
    try:
        return None if optional(name, value) is None else amount(value)
    except UnreadableValue as error:
        raise InvalidValue(name, f"must be a capacity, not {value!r}") from error


def _map(name: str, value: str) -> dict[str, object]:
    read = _json(name, value, "a JSON object")
    if not isinstance(read, dict):
        raise InvalidValue(name, f"must be a JSON object, not {value!r}")
    return read


def _text_map(name: str, value: str) -> dict[str, str]:
    return {key: str(content) for key, content in _map(name, value).items()}


def _json(name: str, value: str, expected: str) -> object:
    try:
        read: object = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(name, f"must be {expected}, not {value[:_SHOWN]!r}") from error
    return read


_READERS: Mapping[object, Reader] = {
    str: _text,
    Id: _text,
    str | None: optional,
    Id | None: optional,
    Amount: partial(_number, int),
    Amount | None: partial(_number, int),
    Ratio: partial(_number, float),
    int | None: _optional_whole,
    bool: flag,
    Flag: flag,
    Capacity: _capacity,
    Mapping[str, str]: _text_map,
    Mapping[str, object]: _map,
}
"""Type of a field → what reads its attribute."""
