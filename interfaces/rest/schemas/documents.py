"""The documents that are no resource: root, index, health, data model, a strategy's state."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from interfaces.rest.schemas.common import Link


class VersionDocument(msgspec.Struct, kw_only=True):
    """A version of the API and its microversions."""

    id: str
    status: str
    min_version: str
    max_version: str
    links: list[Link]


class RootDocument(msgspec.Struct, kw_only=True):
    """Which versions there are."""

    name: str
    description: str
    versions: list[VersionDocument]
    default_version: VersionDocument


class MediaType(msgspec.Struct, kw_only=True):
    """A media type and what it is based on."""

    base: str
    type: str


class IndexDocument(msgspec.Struct, kw_only=True):
    """Which resources there are, each with two links."""

    id: str
    media_types: list[MediaType]
    links: list[Link]
    audit_templates: list[Link] | UnsetType = UNSET
    audits: list[Link] | UnsetType = UNSET
    data_model: list[Link] | UnsetType = UNSET
    actions: list[Link] | UnsetType = UNSET
    action_plans: list[Link] | UnsetType = UNSET
    scoring_engines: list[Link] | UnsetType = UNSET
    services: list[Link] | UnsetType = UNSET
    webhooks: list[Link] | UnsetType = UNSET


class ProjectionHealth(msgspec.Struct, kw_only=True):
    """How a projection stands: its log position, and how many events it is behind."""

    name: str
    version: int
    position: int
    lag: int
    quarantined: int


class HealthDocument(msgspec.Struct, kw_only=True):
    """Whether what is in the log is shown."""

    status: Literal["ready", "lagging"]
    projections: list[ProjectionHealth]


class AliveDocument(msgspec.Struct, kw_only=True):
    """That the process answers."""

    status: Literal["alive"] = "alive"


class DataModelDocument(msgspec.Struct, kw_only=True):
    """The compute model: a row for each server, and for each host without one."""

    context: list[dict[str, Any]]


class Prerequisite(msgspec.Struct, kw_only=True):
    """Whether something that a strategy needs is there."""

    type: str
    state: str | list[dict[str, str]]
    mandatory: bool | str
    comment: str
