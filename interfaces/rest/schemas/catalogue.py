"""Goals, strategies and scoring engines as the API shows them (rest-api 2.1, 2.2, 2.8)."""

import json
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import GoalView, ScoringEngineView, StrategyView
from interfaces.rest.schemas.common import Link, Look, document


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
    return document(
        GoalDocument,
        view,
        detail=look.detail,
        efficacy_specification=[_specification(one) for one in view.efficacy_specification],
        links=look.links("goals", view.uuid),
    )


def strategy(view: StrategyView, look: Look) -> StrategyDocument:
    """A strategy as a request may see it."""
    links = look.links("strategies", view.uuid)
    return document(StrategyDocument, view, detail=look.detail, links=links)


def scoring_engine(view: ScoringEngineView, look: Look) -> ScoringEngineDocument:
    """A scoring engine as a request may see it."""
    links = look.links("scoring_engines", view.uuid)
    return document(ScoringEngineDocument, view, detail=look.detail, links=links)


def _specification(one: dict[str, Any]) -> IndicatorSpecificationDocument:
    schema = one.get("schema")
    return IndicatorSpecificationDocument(
        name=one["name"],
        description=one.get("description") or "",
        unit=one.get("unit"),
        schema=schema if schema is None or isinstance(schema, str) else json.dumps(schema),
    )
