"""What the REST layer needs from the rest of the house."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from application.kernel.unit_of_work import Commands
from application.ports.clock import Clock, Ids
from application.ports.counters import CounterBoard
from application.ports.event_log import ReadOnlyLog
from application.ports.read_models import ReadModels, StrategyView
from application.ports.records import RecordStore
from application.ports.services import ServiceRegistry
from application.replay.as_of import AsOfQueries
from domain.audits.schedule import Cron
from interfaces.rest.auth import Authorizer
from interfaces.rest.serving.traffic import Traffic


@dataclass(frozen=True)
class StrategyState:
    """Whether what a strategy needs is there.

    Attributes:
        datasource: its name, None if the strategy needs none.
        available: whether the datasource answers.
        metrics: metric name → whether the datasource has it.
        models: ``compute_model``, ``storage_model``, ``baremetal_model`` → whether it is there.
    """

    datasource: str | None
    available: bool
    metrics: Mapping[str, bool]
    models: Mapping[str, bool]


class StrategyStateSource(Protocol):
    """Tells whether what a strategy needs is there."""

    def __call__(self, strategy: StrategyView) -> StrategyState:
        """The state of a strategy's prerequisites.

        Raises:
            Unavailable: that cannot be told now.
        """
        ...


class DataModelSource(Protocol):
    """The collected compute model, as rows."""

    def __call__(
        self, audit: UUID | None, at: int | datetime | None
    ) -> Sequence[Mapping[str, Any]]:
        """Flat rows (rest-api 8.2), restricted to an audit's scope if one is given.

        Args:
            audit: whose scope.
            at: a log position or a time; None = the latest model.

        Raises:
            InvalidValue: there is no such audit, or its scope is wrong.
            NothingThen: at that moment there was no model yet.
            Unavailable: no usable model.
        """
        ...


@dataclass(frozen=True)
class RestSettings:
    """How the API behaves.

    Attributes:
        max_limit: rows of the longest list page, and of one without a limit.
        max_body: bytes of the longest request body.
        patience: seconds that a write waits for the read models.
        ready_lag: events that a projection may be behind in a healthy service.
        zone: of times without an offset; None = the one this machine is in.
        webhooks_auth: whether webhooks need a token and a policy rule.
        behind_proxy: whether to believe ``Forwarded`` and ``X-Forwarded-*`` headers.
        documentation: where the index document points people.
        streams: event streams that a worker process serves at once; each holds a thread.
        stream_seconds: how long a stream lasts; then the client comes again and is checked anew.
        heartbeat: seconds of silence after which a stream says that it is alive.
        stream_patience: seconds for which a stream's client may take nothing of what was written.
    """

    max_limit: int = 1000
    max_body: int = 1024 * 1024
    patience: float = 10.0
    ready_lag: int = 10_000
    zone: tzinfo | None = None
    webhooks_auth: bool = True
    behind_proxy: bool = False
    documentation: str = "https://docs.openstack.org/api-ref/resource-optimization/"
    streams: int = 4
    stream_seconds: float = 3600.0
    heartbeat: float = 15.0
    stream_patience: float = 30.0


@dataclass(frozen=True)
class RestServices:
    """Everything the REST layer calls. Built in each worker process, after the fork.

    Attributes:
        history: the reading half of the event log; records: what lies beside it.
        counters: what other processes counted, for /metrics.
        cron: evaluates cron expressions; raises InvalidValue for what it cannot.
        traffic: where requests are counted, for /metrics.
        stopping: whether the process was told to end, so that streams should, too.
        close: gives connections back when the worker ends.
    """

    commands: Commands
    reads: ReadModels
    history: ReadOnlyLog
    records: RecordStore
    services: ServiceRegistry
    counters: CounterBoard
    authorizer: Authorizer
    cron: Cron
    clock: Clock
    ids: Ids
    strategy_state: StrategyStateSource
    data_model: DataModelSource
    settings: RestSettings = field(default_factory=RestSettings)
    close: Callable[[], None] = lambda: None
    traffic: Traffic = field(default_factory=Traffic)
    stopping: Callable[[], bool] = lambda: False

    @cached_property
    def past(self) -> AsOfQueries:
        """What things were: one for all resources, as it remembers long histories."""
        return AsOfQueries(self.history, self.reads, self.cron, self.clock)
