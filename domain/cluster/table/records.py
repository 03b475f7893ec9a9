"""Types of record fields, which validation and the file formats use to read them."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any, get_type_hints

Id = Annotated[str, "id"]
"""An id. Files may write it as a number."""
Amount = Annotated[int, "amount"]
"""An amount of something, a whole number. A record with another value is quarantined."""
Ratio = Annotated[float, "ratio"]
"""A ratio, finite and not negative. A record with another value is quarantined."""


def field_types(record: type[Any]) -> Mapping[str, object]:
    """Field name → type, of a record's class."""
    return get_type_hints(record, include_extras=True)


def fields_of_type(record: type[Any], kind: object) -> tuple[str, ...]:
    """Names of the fields of a type, in order."""
    return tuple(name for name, found in field_types(record).items() if found == kind)


def required_fields(record: type[Any]) -> frozenset[str]:
    """Names of the fields without a default."""
    return frozenset(
        one.name
        for one in fields(record)
        if one.default is MISSING and one.default_factory is MISSING
    )
