"""The overview of the installation that the settings describe, and of its cloud."""

from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from application.queries.overview import InstallationInfo, Supervised
from application.queries.overview_query import OverviewQuery
from application.replay.cluster_past import ClusterPast
from application.replay.cluster_views import ClusterViews
from infrastructure.cron import next_match
from infrastructure.logs import scrubbed
from infrastructure.settings import Settings
from infrastructure.supervision import ChildState, holder, state
from interfaces.bootstrap.database import CLOCK
from interfaces.bootstrap.queries import Queries

if TYPE_CHECKING:
    from infrastructure.plugins import Registry


def overview_query(settings: Settings, queries: Queries, past: int | None = None) -> OverviewQuery:
    """Reads the overview; ``past``: see ``RestSettings``."""
    return OverviewQuery(
        plans=queries,
        log=queries.log,
        services=queries.services,
        poison=queries.poison,
        models=queries.models,
        where=partial(installation, settings),
        cron=next_match,
        clock=CLOCK,
        past=past,
    )


def cluster_views(queries: Queries, registry: "Registry") -> ClusterViews:
    """The hosts and servers of the cloud."""
    types = registry.of("action")
    past = ClusterPast(queries.log, queries.read, queries.models, types)
    return ClusterViews(queries.log, queries.read, CLOCK, queries.models, past, types)


def installation(settings: Settings) -> tuple[InstallationInfo, Sequence[Supervised]]:
    """The installation, and the processes that its `vigil up` on this machine supervises."""
    pid = holder(settings.data_dir)
    found = state.read(settings.data_dir) if pid is not None else None
    where = InstallationInfo(
        version=_version(),
        database=scrubbed(settings.database.connection),
        cloud=found.cloud if found else settings.cloud.name,
        simulated=found is not None and found.simulator_url is not None,
        pid=pid,
        api_url=found.api_url if found else None,
    )
    children = found.children if found else ()
    return where, [
        Supervised(one.name, one.state == ChildState.READY, one.restarts)
        for one in children
        if one.state != ChildState.DONE
    ]


@cache
def _version() -> str:
    return version("vigil-optimizer")
