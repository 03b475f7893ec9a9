"""Goals, strategies and scoring engines."""

from collections.abc import Sequence

import falcon

from application.ports.read_models import GoalView, Page, ScoringEngineView, StrategyView
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.lists import STANDARD, Filter, Listing, Marker
from interfaces.rest.resources.base import CollectionResource
from interfaces.rest.schemas import catalogue as schemas
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
    kind = "Goal"
    document = staticmethod(schemas.goal)

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[GoalView]:
        """A page of the list."""
        del filters
        return self.api.reads.goals(page)

    def find(self, ident: str, *, show_deleted: bool) -> GoalView | None:
        """The view of a uuid or name."""
        return self.api.reads.goal(ident, show_deleted=show_deleted)


class StrategiesResource(CollectionResource[StrategyView]):
    """``/v1/strategies``."""

    listing = STRATEGIES
    kind = "Strategy"
    document = staticmethod(schemas.strategy)

    def on_get_state(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """Whether the requirements of a strategy are met."""
        call_of(req).authorize()
        view = self.view(req, ident)
        media.reply(resp, _rows(view.name, self.api.strategy_state(view)))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[StrategyView]:
        """A page of the list."""
        return self.api.reads.strategies(page, filters)

    def find(self, ident: str, *, show_deleted: bool) -> StrategyView | None:
        """The view of a uuid or name."""
        return self.api.reads.strategy(ident, show_deleted=show_deleted)


class ScoringEnginesResource(CollectionResource[ScoringEngineView]):
    """``/v1/scoring_engines``."""

    listing = SCORING_ENGINES
    kind = "ScoringEngine"
    document = staticmethod(schemas.scoring_engine)

    def on_get(self, req: falcon.Request, resp: falcon.Response, ident: str) -> None:
        """One scoring engine; the policy is checked before the lookup."""
        call_of(req).authorize()
        media.reply(resp, self.document(self.view(req, ident), self.options(req)))

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ScoringEngineView]:
        """A page of the list."""
        del filters
        return self.api.reads.scoring_engines(page)

    def find(self, ident: str, *, show_deleted: bool) -> ScoringEngineView | None:
        """The view of a uuid or name."""
        return self.api.reads.scoring_engine(ident, show_deleted=show_deleted)


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
        Prerequisite(
            type="Datasource", state=datasource, mandatory=state.mandatory, comment=state.comment
        ),
        Prerequisite(type="Metrics", state=metrics, mandatory=False, comment=""),
        Prerequisite(type="CDM", state=models, mandatory=True, comment=""),
        Prerequisite(type="Name", state=name, mandatory="", comment=""),
    ]


def _availability(*, available: bool) -> str:
    return "available" if available else "not available"
