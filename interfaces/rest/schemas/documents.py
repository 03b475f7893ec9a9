"""Root, index, health, data model, and the state of a strategy."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from interfaces.rest.schemas.actuation import SwitchState
from interfaces.rest.schemas.common import Link


class VersionDocument(msgspec.Struct, kw_only=True):
    """A version of the API and its microversions."""

    id: str
    status: str
    min_version: str
    max_version: str
    links: list[Link]


class RootDocument(msgspec.Struct, kw_only=True):
    """The versions of the API."""

    name: str
    description: str
    versions: list[VersionDocument]
    default_version: VersionDocument


class MediaType(msgspec.Struct, kw_only=True):
    """A media type and what it is based on."""

    base: str
    type: str


class IndexDocument(msgspec.Struct, kw_only=True):
    """The resources of a version, each with two links."""

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
    """A projection: its log position, and how many events it is behind."""

    name: str
    version: int
    position: int
    lag: int
    quarantined: int


HealthStatus = Literal["ready", "degraded", "lagging", "unusable"]


class HealthProblem(msgspec.Struct, kw_only=True):
    """A part that cannot be used now, and why."""

    part: Literal["database", "identity", "cloud"]
    problem: str


class HealthDocument(msgspec.Struct, kw_only=True):
    """Whether the API can answer requests, and what is wrong with the parts it depends on."""

    status: HealthStatus
    problems: list[HealthProblem]
    actuation: SwitchState | None
    """Whether appliers may begin actions; None if it is unknown."""
    projections: list[ProjectionHealth]


class AliveDocument(msgspec.Struct, kw_only=True):
    """Liveness of the process."""

    status: Literal["alive"] = "alive"


class DataModelDocument(msgspec.Struct, kw_only=True):
    """The compute model: a row for each server, and for each host without servers."""

    context: list[dict[str, Any]]


class Prerequisite(msgspec.Struct, kw_only=True):
    """Whether a requirement of a strategy is met."""

    type: str
    state: str | list[dict[str, str]]
    mandatory: bool | str
    comment: str
