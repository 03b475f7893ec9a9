"""The services that the REST layer calls, and its settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from application.commands.requested_actions import RequestedActions
from application.kernel.unit_of_work import Commands
from application.ports.clock import Clock, Ids
from application.ports.counters import CounterBoard
from application.ports.event_log import ReadOnlyLog
from application.ports.notifier import TransportPositions
from application.ports.read_models import ReadModels, StrategyView
from application.ports.records import RecordStore
from application.ports.services import ServiceRegistry
from application.queries.estimates import PlanEstimates
from application.queries.overview import Overview
from application.replay.as_of import AsOfQueries
from application.replay.cluster_views import ClusterViews
from application.replay.runs import RecordedRun
from application.replay.verification import RunVerification
from application.replay.whatif import Fork, Variation
from domain.audits.schedule import Cron
from domain.plans.events import PlanProposed
from infrastructure.web_pages import PageGuard
from interfaces.rest.auth import Authorizer
from interfaces.rest.serving.traffic import Traffic


@dataclass(frozen=True)
class StrategyState:
    """Whether the requirements of a strategy are met.

    Attributes:
        datasource: its name, None if the strategy needs none.
        available: whether the datasource answers.
        metrics: metric name → whether the datasource provides it.
        models: ``compute_model``, ``storage_model``, ``baremetal_model`` → whether it exists.
        mandatory: whether a run fails without the datasource.
        comment: what a run does without it.
    """

    datasource: str | None
    available: bool
    metrics: Mapping[str, bool]
    models: Mapping[str, bool]
    mandatory: bool = True
    comment: str = ""


class StrategyStateSource(Protocol):
    """Checks the requirements of strategies."""

    def __call__(self, strategy: StrategyView) -> StrategyState:
        """Whether the requirements of a strategy are met.

        Raises:
            Unavailable: it cannot be checked now.
        """
        ...


class Decisions(Protocol):
    """Repeats the decisions of runs."""

    def verify(self, run: RecordedRun) -> RunVerification:
        """Repeats the decision of a run and compares it with what was published.

        Raises:
            Unavailable: this process is busy with another one.
        """
        ...

    def fork(self, plan: PlanProposed, variation: Variation) -> Fork:
        """Decides again with a variation, and compares the two plans.

        Raises:
            Unavailable: this process is busy with another one, or a record is lost.
            InvalidValue: the variation is invalid.
        """
        ...


class DataModelSource(Protocol):
    """The collected compute model, as rows."""

    def __call__(
        self, audit: UUID | None, at: int | datetime | None
    ) -> Sequence[Mapping[str, Any]]:
        """One row per server, and per host without servers (docs/api.md, "Data model").

        Args:
            audit: restricts the rows to its scope.
            at: a log position or a time; None = the latest model.

        Raises:
            InvalidValue: the audit does not exist, or its scope is invalid.
            NothingThen: no model existed at that moment.
            Unavailable: there is no usable model.
        """
        ...


@dataclass(frozen=True)
class RestSettings:
    """How the API behaves.

    Attributes:
        max_limit: maximum and default number of rows of a list page.
        max_body: maximum size of a request body, bytes.
        visibility_timeout: seconds that a write waits for the read models.
        ready_lag: events that a projection of a ready service may be behind.
        zone: of times without an offset; None = that of this host.
        webhooks_auth: whether webhooks need a token and a policy rule.
        behind_proxy: whether to trust ``Forwarded`` and ``X-Forwarded-*`` headers.
        guard: refuses requests of foreign web pages; None: every request needs a token.
        documentation: URL of the documentation in the index document.
        streams: event streams that a worker process serves at once; each occupies a thread.
        stream_seconds: duration of a stream; then the client reconnects and is checked again.
        heartbeat: idle seconds after which a stream sends a comment.
        stream_timeout: seconds without progress after which a stream's client is cut off.
        past: the log position as of which the service shows everything, and refuses to write;
            None: it serves the present.
    """

    max_limit: int = 1000
    max_body: int = 1024 * 1024
    visibility_timeout: float = 10.0
    ready_lag: int = 10_000
    zone: tzinfo | None = None
    webhooks_auth: bool = True
    behind_proxy: bool = False
    guard: PageGuard | None = None
    documentation: str = "https://docs.openstack.org/api-ref/resource-optimization/"
    streams: int = 4
    stream_seconds: float = 3600.0
    heartbeat: float = 15.0
    stream_timeout: float = 30.0
    past: int | None = None


@dataclass(frozen=True)
class RestServices:
    """The services that the REST layer calls. Created in each worker process, after the fork.

    Attributes:
        history: the event log, for reading.
        records: the stored decision records.
        counters, transports: counts of other processes, and how far the notifier is, for /metrics.
        check_writable: raises EventLogUnavailable if events cannot be appended now.
        identity_problem, cloud_problem: return why no caller can be identified, and why the cloud
            cannot be read now, without secrets; None if they can.
        cron: evaluates cron expressions; raises InvalidValue for an invalid one.
        estimates: how long plans take.
        overview: reads the overview of the installation.
        cluster: the hosts and servers of the cloud.
        requested: checks the actions that the parameters of audits list.
        traffic: counts requests, for /metrics.
        stopping: whether the process is shutting down, so that streams end.
        close: closes connections when the worker ends.
    """

    commands: Commands
    reads: ReadModels
    history: ReadOnlyLog
    records: RecordStore
    services: ServiceRegistry
    counters: CounterBoard
    transports: TransportPositions
    authorizer: Authorizer
    cron: Cron
    clock: Clock
    ids: Ids
    requested: RequestedActions
    estimates: PlanEstimates
    strategy_state: StrategyStateSource
    data_model: DataModelSource
    overview: Callable[[], Overview]
    cluster: ClusterViews
    decisions: Decisions
    settings: RestSettings = field(default_factory=RestSettings)
    close: Callable[[], None] = lambda: None
    traffic: Traffic = field(default_factory=Traffic)
    check_writable: Callable[[], None] = lambda: None
    identity_problem: Callable[[], str | None] = lambda: None
    cloud_problem: Callable[[], str | None] = lambda: None
    stopping: Callable[[], bool] = lambda: False

    @cached_property
    def past(self) -> AsOfQueries:
        """Queries of the past. Shared by all resources because it caches long histories."""
        return AsOfQueries(self.history, self.reads, self.cron, self.clock)
