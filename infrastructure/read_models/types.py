"""Column types with the same meaning on SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Integer,
    String,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

_LENGTH = len("2026-01-01T00:00:00.000000")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _instant_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")[:_LENGTH]


def _json_text(value: Any) -> str | None:
    return None if value is None else _encode(value).decode()


class Instant(TypeDecorator[datetime]):
    """An aware UTC time: ``timestamptz`` on PostgreSQL, sortable ISO 8601 text on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type in a database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(_LENGTH))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The stored value."""
        bind = self.binding(dialect)
        return value if bind is None else bind(value)

    @staticmethod
    def binding(dialect: Dialect) -> Callable[[Any], Any] | None:
        """The conversion to the stored value, None if there is none."""
        return None if dialect.name == "postgresql" else _instant_text

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        """The value read."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        moment: datetime = value
        return moment.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """JSON values as text: sortable, readable with any client, the same in both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _: Dialect) -> str | None:
        """The stored value."""
        return _json_text(value)

    @staticmethod
    def binding(_: Dialect) -> Callable[[Any], Any] | None:
        """The conversion to the stored value."""
        return _json_text

    def process_result_value(self, value: Any, _: Dialect) -> Any:
        """The value read."""
        return None if value is None else _decode(value)


def text() -> TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def column_type(values: type) -> TypeEngine[Any]:
    """The column type for values of a declared type (``application.ports.columns``)."""
    return _TYPES[values]


_TYPES: dict[type, TypeEngine[Any]] = {
    str: text(),
    int: BigInteger().with_variant(Integer(), "sqlite"),
    bool: Boolean(),
    UUID: Uuid(),
    datetime: Instant(),
    list: Json(),
    dict: Json(),
}
