"""Goals, strategies and scoring engines as the API shows them."""

import json
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import GoalView, ScoringEngineView, StrategyView
from interfaces.rest.schemas.common import Link, ViewOptions, document


class IndicatorSpecificationDocument(msgspec.Struct, kw_only=True):
    """An efficacy indicator that a goal defines. ``schema`` is a JSON Schema as text."""

    name: str
    description: str
    unit: str | None
    schema: str | None


class GoalDocument(msgspec.Struct, kw_only=True):
    """The goal of an audit."""

    uuid: UUID
    name: str
    display_name: str
    efficacy_specification: list[IndicatorSpecificationDocument]
    links: list[Link]
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


class StrategyDocument(msgspec.Struct, kw_only=True):
    """A strategy for a goal. ``parameters_spec`` is a JSON Schema (draft 4)."""

    uuid: UUID
    name: str
    display_name: str
    goal_uuid: UUID | None
    goal_name: str | None
    links: list[Link]
    parameters_spec: dict[str, Any] | UnsetType = UNSET


class ScoringEngineDocument(msgspec.Struct, kw_only=True):
    """A scoring function for strategies."""

    uuid: UUID
    name: str
    description: str | None
    links: list[Link]
    metainfo: str | UnsetType | None = UNSET


def goal(view: GoalView, options: ViewOptions) -> GoalDocument:
    """The document of a goal."""
    return document(
        GoalDocument,
        view,
        detail=options.detail,
        efficacy_specification=[_specification(one) for one in view.efficacy_specification],
        links=options.links("goals", view.uuid),
    )


def strategy(view: StrategyView, options: ViewOptions) -> StrategyDocument:
    """The document of a strategy."""
    links = options.links("strategies", view.uuid)
    return document(StrategyDocument, view, detail=options.detail, links=links)


def scoring_engine(view: ScoringEngineView, options: ViewOptions) -> ScoringEngineDocument:
    """The document of a scoring engine."""
    links = options.links("scoring_engines", view.uuid)
    return document(ScoringEngineDocument, view, detail=options.detail, links=links)


def _specification(one: dict[str, Any]) -> IndicatorSpecificationDocument:
    schema = one.get("schema")
    return IndicatorSpecificationDocument(
        name=one["name"],
        description=one.get("description") or "",
        unit=one.get("unit"),
        schema=schema if schema is None or isinstance(schema, str) else json.dumps(schema),
    )
