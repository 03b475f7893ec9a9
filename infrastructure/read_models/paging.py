"""Pages and single rows of a resource: one SQL statement each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    false,
    or_,
    select,
    true,
)

from application.ports.read_models import Filters, MarkerNotFound, Page, UnknownSortKey

V = TypeVar("V")
Condition = ColumnElement[bool]
_MARKER = "marker_id__"
_SORT = "sort__"
_ID_DIGITS = 18
"""Longer numbers are no id, and may not fit the column."""


@dataclass(frozen=True)
class RowSource:
    """The SQL source of a resource.

    Attributes:
        rows: table or join.
        columns: field of the view → expression, for all fields.
        sort: further sort keys → expression.
        deleted_at: not NULL in deleted rows.
        name_key: case-folded name, if the resource has names.
    """

    rows: FromClause
    columns: Mapping[str, ColumnElement[Any]]
    deleted_at: ColumnElement[Any]
    name_key: ColumnElement[Any] | None = None
    sort: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedResource(Generic[V]):
    """A resource that can be listed and looked up.

    Attributes:
        view: dataclass of a row.
        source: its rows; the argument: whether references to deleted objects are shown.
        filters: name of a filter → condition for a value.
    """

    view: type[V]
    source: Callable[[bool], RowSource]
    filters: Mapping[str, Callable[[str], Condition]]


def listed(
    connection: Connection,
    resource: ListedResource[V],
    page: Page,
    filters: Filters,
    *conditions: Condition,
) -> list[V]:
    """A page of a resource.

    Raises:
        MarkerNotFound: the row of the marker does not exist, or is deleted and not shown.
        UnknownSortKey: the page has an unknown sort key.
        ValueError: a filter is unknown.
    """
    source = resource.source(page.show_deleted)
    wanted = [*conditions, *_filtered(resource, filters)]
    if not page.show_deleted:
        wanted.append(source.deleted_at.is_(None))
    names = [one.name for one in fields(resource.view)]  # type: ignore[arg-type]
    sort = _sort_key(source, names, page.sort_key)
    if page.marker is None:
        query = _page(source, names, wanted, sort, page)
        return [resource.view(*row) for row in connection.execute(query)]
    query = _page_after_marker(source, names, wanted, sort, page)
    rows = connection.execute(query).all()
    if not rows:
        raise MarkerNotFound(page.marker)
    id_place = 1 + names.index("id")
    return [resource.view(*row[1 : 1 + len(names)]) for row in rows if row[id_place] is not None]


def found(
    connection: Connection, resource: ListedResource[V], ident: str, *, show_deleted: bool
) -> V | None:
    """The row with a numeric id, uuid or name (case-insensitive). Prefers rows not deleted."""
    source = resource.source(show_deleted)
    wanted = [_identified(source, ident)]
    if not show_deleted:
        wanted.append(source.deleted_at.is_(None))
    columns = [source.columns[one.name] for one in fields(resource.view)]  # type: ignore[arg-type]
    query = (
        select(*columns)
        .select_from(source.rows)
        .where(*wanted)
        .order_by(case((source.deleted_at.is_(None), 0), else_=1), source.columns["id"].desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else resource.view(*row)


def as_uuid(text: str) -> UUID | None:
    """The uuid of a text, None if it is no uuid."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _identified(source: RowSource, ident: str) -> Condition:
    if ident.isascii() and ident.isdigit():
        return source.columns["id"] == int(ident) if len(ident) <= _ID_DIGITS else false()
    uuid = as_uuid(ident)
    if uuid is not None:
        return source.columns["uuid"] == uuid
    if source.name_key is None:
        return false()
    return named(source.name_key, ident)


def named(name_key: ColumnElement[Any], name: str) -> Condition:
    """The condition for a name without case. PostgreSQL stores no text with a NUL."""
    return false() if "\0" in name else name_key == name.casefold()


def _filtered(resource: ListedResource[V], filters: Filters) -> list[Condition]:
    unknown = set(filters) - set(resource.filters)
    if unknown:
        raise ValueError(f"{resource.view.__name__} has no filter {', '.join(sorted(unknown))}")
    return [resource.filters[name](value) for name, value in filters.items()]


def _sort_key(source: RowSource, names: Sequence[str], name: str) -> ColumnElement[Any]:
    known = {**{one: source.columns[one] for one in names}, **source.sort}
    if name not in known:
        raise UnknownSortKey(name)
    return known[name]


def _order(
    key: ColumnElement[Any], row_id: ColumnElement[Any], *, descending: bool
) -> Sequence[ColumnElement[Any]]:
    """(key, id); nulls last when ascending, first when descending."""
    order = (row_id,) if key is row_id else (_is_null(key), key, row_id)
    return tuple(one.desc() for one in order) if descending else order


def _is_null(key: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((key.is_(None), 1), else_=0)


def _page(
    source: RowSource,
    names: Sequence[str],
    wanted: Sequence[Condition],
    sort: ColumnElement[Any],
    page: Page,
) -> Select[Any]:
    row_id = source.columns["id"]
    return (
        select(*(source.columns[name] for name in names))
        .select_from(source.rows)
        .where(*wanted)
        .order_by(*_order(sort, row_id, descending=page.descending))
        .limit(page.limit)
    )


def _page_after_marker(
    source: RowSource,
    names: Sequence[str],
    wanted: Sequence[Condition],
    sort: ColumnElement[Any],
    page: Page,
) -> Select[Any]:
    """The marker's row joined with the rows after it; the result is empty without a marker row."""
    row_id = source.columns["id"]
    visible = [] if page.show_deleted else [source.deleted_at.is_(None)]
    marker = (
        select(row_id.label(_MARKER), sort.label(_SORT))
        .select_from(source.rows)
        .where(_is_marker(source, page.marker or ""), *visible)
        .cte("marker")
    )
    mark_id = select(marker.c[_MARKER]).scalar_subquery()
    if sort is row_id:
        after = row_id < mark_id if page.descending else row_id > mark_id
    else:
        mark_key = select(marker.c[_SORT]).scalar_subquery()
        after = _after(sort, mark_key, row_id, mark_id, descending=page.descending)
    rows = (
        select(*(source.columns[name].label(name) for name in names), sort.label(_SORT))
        .select_from(source.rows)
        .where(*wanted, after)
        .order_by(*_order(sort, row_id, descending=page.descending))
        .limit(page.limit)
        .subquery("page")
    )
    outer = _order(rows.c[_SORT], rows.c["id"], descending=page.descending)
    return (
        select(marker.c[_MARKER], *(rows.c[name] for name in names))
        .select_from(marker.outerjoin(rows, true()))
        .order_by(*outer)
    )


def _is_marker(source: RowSource, marker: str) -> Condition:
    uuid = as_uuid(marker)
    return false() if uuid is None else source.columns["uuid"] == uuid


def _after(
    key: ColumnElement[Any],
    mark_key: ColumnElement[Any],
    row_id: ColumnElement[Any],
    mark_id: ColumnElement[Any],
    *,
    descending: bool,
) -> Condition:
    rank, mark_rank = _is_null(key), _is_null(mark_key)
    if descending:
        key_after, id_after, rank_after = key < mark_key, row_id < mark_id, rank < mark_rank
    else:
        key_after, id_after, rank_after = key > mark_key, row_id > mark_id, rank > mark_rank
    same_key = or_(key == mark_key, rank == 1)
    return or_(rank_after, and_(rank == mark_rank, or_(key_after, and_(same_key, id_after))))
