"""Goals, strategies and scoring engines as the API shows them (rest-api 2.1, 2.2, 2.8)."""

import json
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import GoalView, ScoringEngineView, StrategyView
from interfaces.rest.schemas.common import Link, Look, stamp


class IndicatorSpecificationDocument(msgspec.Struct, kw_only=True):
    """An efficacy indicator that a goal defines. ``schema`` is a JSON Schema as text."""

    name: str
    description: str
    unit: str | None
    schema: str | None


class GoalDocument(msgspec.Struct, kw_only=True):
    """What an audit may aim at."""

    uuid: UUID
    name: str
    display_name: str
    efficacy_specification: list[IndicatorSpecificationDocument]
    links: list[Link]
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


class StrategyDocument(msgspec.Struct, kw_only=True):
    """A way to reach a goal. ``parameters_spec`` is a JSON Schema (draft 4)."""

    uuid: UUID
    name: str
    display_name: str
    goal_uuid: UUID | None
    goal_name: str | None
    links: list[Link]
    parameters_spec: dict[str, Any] | UnsetType = UNSET


class ScoringEngineDocument(msgspec.Struct, kw_only=True):
    """A function that strategies may ask for scores."""

    uuid: UUID
    name: str
    description: str | None
    links: list[Link]
    metainfo: str | UnsetType | None = UNSET


def goal(view: GoalView, look: Look) -> GoalDocument:
    """A goal as a request may see it."""
    return GoalDocument(
        uuid=view.uuid,
        name=view.name,
        display_name=view.display_name,
        efficacy_specification=[_specification(one) for one in view.efficacy_specification],
        links=look.links("goals", view.uuid),
        created_at=look.detailed(stamp(view.created_at)),
        updated_at=look.detailed(stamp(view.updated_at)),
        deleted_at=look.detailed(stamp(view.deleted_at)),
    )


def strategy(view: StrategyView, look: Look) -> StrategyDocument:
    """A strategy as a request may see it."""
    return StrategyDocument(
        uuid=view.uuid,
        name=view.name,
        display_name=view.display_name,
        goal_uuid=view.goal_uuid,
        goal_name=view.goal_name,
        links=look.links("strategies", view.uuid),
        parameters_spec=look.detailed(dict(view.parameters_spec or {})),
    )


def scoring_engine(view: ScoringEngineView, look: Look) -> ScoringEngineDocument:
    """A scoring engine as a request may see it."""
    return ScoringEngineDocument(
        uuid=view.uuid,
        name=view.name,
        description=view.description,
        links=look.links("scoring_engines", view.uuid),
        metainfo=look.detailed(view.metainfo),
    )


def _specification(one: dict[str, Any]) -> IndicatorSpecificationDocument:
    schema = one.get("schema")
    return IndicatorSpecificationDocument(
        name=one["name"],
        description=one.get("description") or "",
        unit=one.get("unit"),
        schema=schema if schema is None or isinstance(schema, str) else json.dumps(schema),
    )
