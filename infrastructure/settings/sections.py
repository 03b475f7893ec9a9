"""All options. Sections and names are Watcher's if Watcher has the option."""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infrastructure.settings.api import AccessSettings, ApiSettings, EventStreamSettings
from infrastructure.settings.limits import LimitSettings
from infrastructure.settings.maas import MaasSettings
from infrastructure.settings.metrics import MetricsSettings
from infrastructure.settings.notifications import NotificationSettings
from infrastructure.settings.notifier import NotifierSettings
from infrastructure.settings.option_types import (
    BOOLEAN,
    FILE,
    FILES,
    INTERFACE,
    PORT_OR_ZERO,
    Choice,
    Choices,
    DatabaseUrl,
    Float,
    Integer,
    ServerUrl,
    text,
    words_by_name,
)
from infrastructure.settings.options import Derived, Named, option
from infrastructure.settings.placement import PlacementSettings
from infrastructure.settings.seal import SealSettings
from infrastructure.settings.sources import Sources


def _database(values: Named) -> str:
    return f"sqlite:///{values['vigil', 'data_dir'] / 'vigil.sqlite'}"


@dataclass(frozen=True)
class LogSettings:
    """Logging."""

    level: str = option(
        "vigil.log_level",
        Choice("debug", "info", "warning", "error"),
        "info",
        "Lowest level of logged messages; [DEFAULT] debug = true sets debug.",
    )
    format: str = option(
        "vigil.log_format",
        Choice("human", "json"),
        "human",
        "Format of log messages: human is a line of text, json a JSON object per line.",
    )


@dataclass(frozen=True)
class DatabaseSettings:
    """The database with the event log, the read models and the records."""

    connection: str = option(
        "database.connection",
        DatabaseUrl(),
        Derived("vigil.sqlite in the data directory", _database),
        "URL of the database with the event log, the read models and the records: SQLite or "
        "PostgreSQL.",
        secret=True,
    )


@dataclass(frozen=True)
class NatsSettings:
    """NATS wakes workers. An outage delays work; no data is lost."""

    url: str | None = option(
        "vigil.nats_url",
        ServerUrl("nats", "tls"),
        None,
        "URL of a NATS server with JetStream, or several separated by commas. Not set: `vigil up` "
        "starts its own server, roles that need NATS do not start.",
    )
    token: str | None = option(
        "vigil.nats_token", text(), None, "Authentication token of NATS.", secret=True
    )
    port: int = option(
        "vigil.nats_port",
        PORT_OR_ZERO,
        0,
        "Port of the NATS server that `vigil up` starts; 0: any free port.",
    )
    replicas: int = option(
        "vigil.nats_replicas",
        Integer(1, 5),
        1,
        "Replicas of the JetStream stream.",
    )

    @property
    def embedded(self) -> bool:
        """Whether `vigil up` starts a server."""
        return self.url is None


@dataclass(frozen=True)
class CloudSettings:
    """The cloud to optimise."""

    name: str | None = option(
        "vigil.cloud",
        text("the name of an entry of clouds.yaml"),
        None,
        "Name of the cloud in clouds.yaml. Not set: the cloud of [watcher_clients_auth]. Without "
        "credentials there, `vigil up` simulates a cloud.",
    )
    config_file: Path | None = option(
        "vigil.cloud_config",
        FILE,
        None,
        "Path of clouds.yaml. Not set: the usual places of OpenStack clients.",
    )
    auth_type: str | None = option(
        "watcher_clients_auth.auth_type",
        text("the name of a keystoneauth plug-in"),
        None,
        "The keystoneauth plug-in with which Vigil authenticates to the cloud if [vigil] cloud is "
        "not set. The section may contain every option of the plug-in and of a keystoneauth "
        "session.",
    )
    auth_section: str | None = option(
        "watcher_clients_auth.auth_section",
        text("the name of a section"),
        None,
        "The section with auth_type and the credentials, if it is not this one.",
    )
    region: str | None = option(
        "nova_client.region_name",
        text(),
        None,
        "Region of the cloud; only with the credentials of [watcher_clients_auth].",
    )
    interface: str = option(
        "nova_client.endpoint_type",
        INTERFACE,
        "public",
        "Interface of the cloud's endpoints; only with the credentials of [watcher_clients_auth].",
    )
    timeout: float = option(
        "vigil.cloud_timeout",
        Float(1.0, 600.0),
        30.0,
        "Timeout of an OpenStack request in seconds.",
    )

    @property
    def in_files(self) -> bool:
        """Whether the configuration files have the credentials, not clouds.yaml."""
        return self.name is None and (self.auth_type is not None or self.auth_section is not None)

    @property
    def is_simulated(self) -> bool:
        """Whether no cloud is configured, so that `vigil up` simulates one."""
        return self.name is None and not self.in_files


@dataclass(frozen=True)
class SimulatorSettings:
    """The simulated cloud that `vigil up` starts if no cloud is configured."""

    hosts: int = option("vigil.simulator_hosts", Integer(1), 30, "Number of compute hosts.")
    servers: int = option("vigil.simulator_servers", Integer(0), 300, "Number of servers.")
    seed: int = option("vigil.simulator_seed", Integer(0), 42, "Random seed of the cloud.")
    speed: float = option(
        "vigil.simulator_speed",
        Float(0.01, 10000.0),
        1.0,
        "Simulated seconds per real second; with 60, a migration of one minute takes one second.",
    )
    cluster_file: Path | None = option(
        "vigil.simulator_cluster_file",
        FILE,
        None,
        "Cluster file to load instead of generating a cloud.",
    )
    port: int = option("vigil.simulator_port", PORT_OR_ZERO, 0, "Port; 0: any free port.")


COLLECTED = Choices(
    ("compute", "storage", "baremetal"), ("compute among them", lambda names: "compute" in names)
)


def _period(kind: str, default: float, note: str = "") -> Any:
    return option(
        f"watcher_cluster_data_model_collectors.{kind}.period",
        Float(1.0),
        default,
        f"Seconds between the starts of two collections of the {kind} model (Watcher: 3600).{note}",
    )


@dataclass(frozen=True)
class CollectorSettings:
    """The collection of cluster models."""

    plugins: tuple[str, ...] = option(
        "collector.collector_plugins",
        COLLECTED,
        ("compute", "storage"),
        "The models to collect. A model whose service the cloud does not have is shown as absent. "
        "A run fails if its strategy needs a model that is not listed.",
    )
    compute_period: float = _period(
        "compute", 60.0, " A model that was not confirmed for three periods is stale."
    )
    storage_period: float = _period("storage", 300.0)
    baremetal_period: float = _period("baremetal", 300.0)
    reconcile_interval: float = option(
        "collector.reconcile_interval",
        Float(0.0),
        600.0,
        "Seconds within which everything in a model is read again (by a collection after nine "
        "tenths of that). Collections in between read of Placement only the hosts that changed; "
        "a listener can keep a model fresh without any for so long. 0: neither.",
    )
    max_model_age: float = option(
        "vigil.max_model_age",
        Float(0.0),
        30.0,
        "Highest age in seconds of a model that a run uses: since its collection began, or since "
        "the listener last proved that it has recorded everything. If the model is older, or was "
        "collected before Vigil's latest change to the cloud, the run collects a new one. "
        "0: always collect.",
    )
    allow_stale: bool = option(
        "vigil.allow_stale_models",
        BOOLEAN,
        default=False,
        help="Whether a run uses an older model if the cloud cannot be read. If false, the run is "
        "retried later.",
    )


@dataclass(frozen=True)
class DecisionEngineSettings:
    """The execution of audit runs."""

    max_audit_workers: int = option(
        "watcher_decision_engine.max_audit_workers",
        Integer(1, 64),
        2,
        "Audit runs executed at once.",
    )
    action_plan_expiry: int = option(
        "watcher_decision_engine.action_plan_expiry",
        Integer(0),
        24,
        "Hours after which a recommended action plan is superseded; 0: never.",
    )
    check_periodic_interval: int = option(
        "watcher_decision_engine.check_periodic_interval",
        Integer(1),
        1800,
        "Seconds between two searches for expired action plans.",
    )
    continuous_audit_interval: int = option(
        "watcher_decision_engine.continuous_audit_interval",
        Integer(1),
        10,
        "Seconds between two searches for new and changed continuous audits. Those that are known "
        "run on time also in between.",
    )
    run_attempts: int = option(
        "vigil.run_attempts",
        Integer(1),
        5,
        "Most attempts of a run if the cloud or the datasource is unreachable, or if no running "
        "engine has the strategy.",
    )
    run_retry_interval: float = option(
        "vigil.run_retry_interval",
        Float(0.1),
        30.0,
        "Seconds before the second attempt of a run; doubled for each further attempt.",
    )
    strategy_steps: int = option(
        "vigil.strategy_steps",
        Integer(1),
        10_000_000,
        "Step budget of a strategy: the number of candidates that a search may evaluate before it "
        "returns the best result so far. Unlike a time limit it gives the same plan everywhere.",
    )
    strategy_timeout: int = option(
        "vigil.strategy_timeout",
        Integer(1),
        300,
        "Seconds that a strategy and its planner may take. Then their process is killed, and the "
        "run fails.",
    )
    strategy_memory: int = option(
        "vigil.strategy_memory",
        Integer(64),
        2048,
        "MiB of memory that a strategy and its planner may use. A run that needs more fails; other "
        "runs are not affected.",
    )
    migration_bandwidth: float = option(
        "vigil.migration_bandwidth",
        Float(0.1),
        500.0,
        "Megabytes per second that one live migration transfers; for estimates of its duration.",
    )
    migration_overhead: float = option(
        "vigil.migration_overhead",
        Float(0.0),
        5.0,
        "Seconds that each migration takes beside the transfer; for estimates of its duration.",
    )
    run_losses: int = option(
        "vigil.run_losses",
        Integer(1),
        3,
        "A run fails after this many decision engines were lost while executing it (crash, kill, "
        "loss of the machine). An engine that is stopped returns its runs and does not count.",
    )


@dataclass(frozen=True)
class ApplierSettings:
    """The execution of action plans."""

    workers: int = option(
        "watcher_applier.workers",
        Integer(1, 64),
        1,
        "Action plans executed at once.",
    )
    return_if_failed: bool = option(
        "watcher_applier.rollback_when_actionplan_failed",
        BOOLEAN,
        default=False,
        help="Whether a plan that fails is undone: a return plan brings back what its actions "
        "changed, and is executed at once. A return plan that fails is not undone.",
    )
    max_parallel_actions: int = option(
        "watcher_workflow_engines.taskflow.max_workers",
        Integer(1, 256),
        8,
        "Most actions of one plan that run at once. The dependencies in the plan may allow fewer.",
    )
    poll_interval: float = option(
        "nova.migration_interval",
        Float(0.1),
        2.0,
        "Seconds between two polls of a running action, at most.",
    )
    execution_rules: dict[str, str] = option(
        "watcher_workflow_engines.taskflow.action_execution_rule",
        words_by_name("ALWAYS", "ANY"),
        {},
        "Execution rule of the plans of a strategy. ALWAYS, the default: an action is executed "
        "after its parents, whatever their outcome. ANY: only if its first parent failed. With "
        "both, an action is cancelled if one that it requires (such as the move that makes its "
        "room) did not succeed.",
    )
    running_on_cancel: str = option(
        "vigil.running_on_cancel",
        Choice("finish", "abort"),
        "finish",
        "What becomes of running actions when their plan is cancelled. finish: they end as usual. "
        "abort: live migrations are aborted, other actions end as usual.",
    )
    action_losses: int = option(
        "vigil.action_losses",
        Integer(1),
        3,
        "An action fails after this many appliers were lost while they executed only this action. "
        "Actions are executed one at a time once a plan has lost two appliers.",
    )
    stall_seconds: float = option(
        "vigil.stall_seconds",
        Float(1.0),
        180.0,
        "Seconds without a copied byte after which a live migration is aborted. A migration that "
        "has less and less to copy may take up to four times its deadline.",
    )
    follow_up_seconds: float = option(
        "vigil.follow_up_seconds",
        Float(0.0),
        1800.0,
        "Seconds that a plan waits for a running action after its deadline. Then the action fails; "
        "what cannot be aborted, such as a cold migration or a resize, is watched until the cloud "
        "ends it, and confirmed.",
    )
    settle_seconds: float = option(
        "vigil.settle_seconds",
        Float(0.0),
        10.0,
        "Seconds to wait after an interrupted request to the cloud. Only then Vigil concludes from "
        "the absence of an effect that the request was not executed.",
    )


@dataclass(frozen=True)
class RecordSettings:
    """Stored records of cluster models. Records of decisions are never deleted."""

    days: int = option(
        "vigil.model_record_days",
        Integer(1, 36500),
        30,
        "Days after which a stored cluster model may be deleted: counted from when it was last the "
        "current model, and only if no decision refers to it. `vigil records prune` deletes them.",
    )
    prune_interval: int = option(
        "vigil.prune_interval",
        Integer(0),
        0,
        "Hours between two deletions of such records by the scheduler; 0: only "
        "`vigil records prune` deletes them.",
    )


@dataclass(frozen=True)
class Settings:
    """All settings of one process.

    Attributes:
        sources: where they come from; the options of plug-ins are read from there when they are
            loaded.
    """

    log: LogSettings
    database: DatabaseSettings
    nats: NatsSettings
    access: AccessSettings
    api: ApiSettings
    streams: EventStreamSettings
    cloud: CloudSettings
    maas: MaasSettings
    metrics: MetricsSettings
    simulator: SimulatorSettings
    collector: CollectorSettings
    decision_engine: DecisionEngineSettings
    applier: ApplierSettings
    placement: PlacementSettings
    limits: LimitSettings
    records: RecordSettings
    seal: SealSettings
    notifications: NotificationSettings
    notifier: NotifierSettings
    sources: Sources = field(default_factory=Sources, compare=False, repr=False, kw_only=True)
    host: str = option(
        "DEFAULT.host",
        text("a host name"),
        Derived("this machine's host name", lambda _: socket.gethostname()),
        "Host name under which the services of this machine are registered.",
    )
    config_files: tuple[Path, ...] = option(
        "vigil.config_files",
        FILES,
        (),
        "The configuration files in use, also by libraries that read their own sections. Set by "
        "`--config-file`; cannot be set in a file.",
    )
    debug: bool = option(
        "DEFAULT.debug",
        BOOLEAN,
        default=False,
        help="Logs debug messages, and the traceback of an error that ends a command.",
    )
    data_dir: Path = option(
        "vigil.data_dir",
        FILE,
        Derived(".vigil/up in the working directory", lambda _: Path(".vigil/up").absolute()),
        "Data directory of an installation on one machine: database, NATS store, state.",
    )
    heartbeat_interval: float = option(
        "DEFAULT.periodic_interval",
        Float(0.1),
        5.0,
        "Seconds between two heartbeats of a service.",
    )
    service_down_time: float = option(
        "DEFAULT.service_down_time",
        Float(0.5),
        30.0,
        "Seconds without a heartbeat after which a service is down and another one may take over.",
    )
    sweep_interval: float = option(
        "vigil.sweep_interval",
        Float(0.1),
        30.0,
        "Seconds between two searches for unclaimed work, independent of NATS.",
    )
