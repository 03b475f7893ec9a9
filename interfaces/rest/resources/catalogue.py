"""Goals, strategies and scoring engines."""

from collections.abc import Sequence
from typing import Any

import falcon

from application.ports.read_models import GoalView, Page, ScoringEngineView, StrategyView
from interfaces.rest import media
from interfaces.rest.call import call_of, target_of
from interfaces.rest.lists import STANDARD, Filter, Listing, Marker
from interfaces.rest.resources.base import CollectionResource, as_name, found
from interfaces.rest.schemas import catalogue as schemas
from interfaces.rest.schemas.common import ViewOptions
from interfaces.rest.schemas.documents import Prerequisite
from interfaces.rest.services import StrategyState

GOALS = Listing(
    "goals",
    STANDARD | {"name", "display_name", "efficacy_specification"},
    marker=Marker.UUID_OR_MISSING,
)
STRATEGIES = Listing(
    "strategies",
    STANDARD | {"name", "display_name", "goal_id", "goal_uuid", "goal_name", "parameters_spec"},
    {"goal": Filter.NAME},
    marker=Marker.UUID_OR_MISSING,
)
SCORING_ENGINES = Listing(
    "scoring_engines",
    STANDARD | {"name", "description", "metainfo"},
    marker=Marker.UUID_OR_MISSING,
)


class GoalsResource(CollectionResource[GoalView]):
    """``/v1/goals``."""

    listing = GOALS

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One goal."""
        shown = call_of(req).show_deleted
        view = found("Goal", ident, self.api.reads.goal(as_name(ident), show_deleted=shown))
        call_of(req).authorize(target_of(view))
        media.reply(resp, schemas.goal(view, self.options(req)))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[GoalView]:
        """A page of the list."""
        del filters
        return self.api.reads.goals(page)

    def shown(self, view: GoalView, options: ViewOptions) -> Any:
        """A row as the response shows it."""
        return schemas.goal(view, options)


class StrategiesResource(CollectionResource[StrategyView]):
    """``/v1/strategies``."""

    listing = STRATEGIES

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One strategy."""
        shown = call_of(req).show_deleted
        view = found("Strategy", ident, self.api.reads.strategy(as_name(ident), show_deleted=shown))
        call_of(req).authorize(target_of(view))
        media.reply(resp, schemas.strategy(view, self.options(req)))

    def on_get_state(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Whether the requirements of a strategy are met."""
        call_of(req).authorize()
        shown = call_of(req).show_deleted
        view = found("Strategy", ident, self.api.reads.strategy(as_name(ident), show_deleted=shown))
        media.reply(resp, _rows(view.name, self.api.strategy_state(view)))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[StrategyView]:
        """A page of the list."""
        return self.api.reads.strategies(page, filters)

    def shown(self, view: StrategyView, options: ViewOptions) -> Any:
        """A row as the response shows it."""
        return schemas.strategy(view, options)


class ScoringEnginesResource(CollectionResource[ScoringEngineView]):
    """``/v1/scoring_engines``."""

    listing = SCORING_ENGINES

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One scoring engine; the policy is checked before the lookup."""
        call_of(req).authorize()
        shown = call_of(req).show_deleted
        engine = self.api.reads.scoring_engine(as_name(ident), show_deleted=shown)
        view = found("ScoringEngine", ident, engine)
        media.reply(resp, schemas.scoring_engine(view, self.options(req)))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ScoringEngineView]:
        """A page of the list."""
        del filters
        return self.api.reads.scoring_engines(page)

    def shown(self, view: ScoringEngineView, options: ViewOptions) -> Any:
        """A row as the response shows it."""
        return schemas.scoring_engine(view, options)


def _rows(name: str, state: StrategyState) -> list[Prerequisite]:
    """The four rows of a strategy's state (docs/api.md, "Strategy state")."""
    datasource = "Strategy doesn't need a datasource"
    if state.datasource is not None:
        datasource = f"{state.datasource}: {_availability(available=state.available)}"
    metrics = [{metric: _availability(available=found)} for metric, found in state.metrics.items()]
    models = [
        {model: _availability(available=state.models.get(model, False))}
        for model in ("compute_model", "storage_model", "baremetal_model")
    ]
    return [
        Prerequisite(type="Datasource", state=datasource, mandatory=True, comment=""),
        Prerequisite(type="Metrics", state=metrics, mandatory=False, comment=""),
        Prerequisite(type="CDM", state=models, mandatory=True, comment=""),
        Prerequisite(type="Name", state=name, mandatory="", comment=""),
    ]


def _availability(*, available: bool) -> str:
    return "available" if available else "not available"
