from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.services import ServiceRow
from interfaces.rest.schemas.common import Link, ViewOptions, document, one_of, stamp, to_the_second


class ServiceDocument(msgspec.Struct, kw_only=True):
    """A worker service on a host."""

    id: int
    name: str
    host: str
    status: Annotated[str, one_of(("ACTIVE", "FAILED"))]
    links: list[Link]
    last_seen_up: str | UnsetType | None = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


def service(row: ServiceRow, options: ViewOptions) -> ServiceDocument:
    """The document of a service."""
    return document(
        ServiceDocument,
        row,
        detail=options.detail,
        status="ACTIVE" if row.alive else "FAILED",
        links=options.links("services", row.id),
        last_seen_up=options.detailed(to_the_second(row.last_seen_up)),
        updated_at=options.detailed(_updated(row)),
        deleted_at=options.detailed(None),
    )


def _updated(row: ServiceRow) -> str | None:
    seen: datetime = row.last_seen_up
    return stamp(seen) if seen > row.created_at else None
