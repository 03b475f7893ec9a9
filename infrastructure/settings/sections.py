"""Everything that can be chosen. Sections and names are the original's where it has them."""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infrastructure.settings.access import AccessSettings
from infrastructure.settings.api import ApiSettings, EventStreamSettings
from infrastructure.settings.kinds import (
    Choice,
    Database,
    File,
    Files,
    Flag,
    Integer,
    Number,
    Table,
    Text,
    Url,
    Words,
)
from infrastructure.settings.metrics import MetricsSettings
from infrastructure.settings.notifications import NotificationSettings
from infrastructure.settings.options import Derived, Named, option
from infrastructure.settings.records import RecordSettings

PORT = Integer(1, 65535)
FREE_OR_PORT = Integer(0, 65535)


def _database(values: Named) -> str:
    return f"sqlite:///{values['vigil', 'data_dir'] / 'vigil.sqlite'}"


@dataclass(frozen=True)
class LogSettings:
    """What is logged and how."""

    level: str = option(
        "vigil.log_level",
        Choice(("debug", "info", "warning", "error")),
        "info",
        "The least severe messages that are logged; [DEFAULT] debug makes it debug.",
    )
    format: str = option(
        "vigil.log_format",
        Choice(("human", "json")),
        "human",
        "A line for people, or one JSON object per line.",
    )


@dataclass(frozen=True)
class DatabaseSettings:
    """The event log, the read models and the records live in one database."""

    connection: str = option(
        "database.connection",
        Database(),
        Derived("vigil.sqlite in the data directory", _database),
        "Where the event log and everything derived from it is kept: SQLite or PostgreSQL.",
        secret=True,
    )


@dataclass(frozen=True)
class NatsSettings:
    """The transport that wakes workers. Losing it costs latency, never data."""

    url: str | None = option(
        "vigil.nats_url",
        Url(("nats", "tls")),
        None,
        "Address of a NATS server with JetStream; several may be separated by commas. "
        "Not set: `vigil up` starts a server of its own, other commands refuse to start.",
    )
    token: str | None = option(
        "vigil.nats_token", Text(), None, "Token to authenticate to NATS with.", secret=True
    )
    port: int = option(
        "vigil.nats_port",
        FREE_OR_PORT,
        0,
        "Port of the NATS server that `vigil up` starts, 0 for a free one.",
    )
    replicas: int = option(
        "vigil.nats_replicas", Integer(1, 5), 1, "Replicas of the stream in a NATS cluster."
    )

    @property
    def embedded(self) -> bool:
        """Whether `vigil up` has to start a server."""
        return self.url is None


@dataclass(frozen=True)
class CloudSettings:
    """Which cloud is optimised."""

    name: str | None = option(
        "vigil.cloud",
        Text("the name of an entry of clouds.yaml"),
        None,
        "The cloud's entry in clouds.yaml. Not set: `vigil up` simulates one.",
    )
    config_file: Path | None = option(
        "vigil.cloud_config",
        File(),
        None,
        "The clouds.yaml to use. Not set: where OpenStack clients look for it.",
    )
    timeout: float = option(
        "vigil.cloud_timeout", Number(1.0, 600.0), 30.0, "Seconds that one API call may take."
    )


@dataclass(frozen=True)
class SimulatorSettings:
    """The simulated cloud that `vigil up` starts when no cloud is named."""

    hosts: int = option("vigil.simulator_hosts", Integer(1), 30, "Compute hosts to generate.")
    servers: int = option("vigil.simulator_servers", Integer(0), 300, "Servers to generate.")
    seed: int = option("vigil.simulator_seed", Integer(0), 42, "Seed of everything generated.")
    speed: float = option(
        "vigil.simulator_speed",
        Number(0.01, 10000.0),
        1.0,
        "Simulated seconds per second: 60 makes a migration of a minute take a second.",
    )
    cluster_file: Path | None = option(
        "vigil.simulator_cluster_file",
        File(),
        None,
        "Loads the cluster from this file instead of generating it.",
    )
    port: int = option("vigil.simulator_port", FREE_OR_PORT, 0, "Its port, 0 for a free one.")


def _period(kind: str, default: float, note: str = "") -> Any:
    return option(
        f"watcher_cluster_data_model_collectors.{kind}.period",
        Number(1.0),
        default,
        f"Seconds from the beginning of one collection of the {kind} model to that of the next "
        f"(the original: 3600).{note}",
    )


@dataclass(frozen=True)
class CollectorSettings:
    """How the models of the cloud are kept fresh."""

    plugins: tuple[str, ...] = option(
        "collector.collector_plugins",
        Words(("compute", "storage", "baremetal"), needed="compute"),
        ("compute", "storage"),
        "The models that are kept. One whose service the cloud does not have is shown as absent. "
        "A run whose strategy needs a model that is not listed fails.",
    )
    compute_period: float = _period(
        "compute", 60.0, " A model that nobody confirmed for three periods counts as stale."
    )
    storage_period: float = _period("storage", 300.0)
    baremetal_period: float = _period("baremetal", 300.0)
    max_model_age: float = option(
        "vigil.max_model_age",
        Number(0.0),
        30.0,
        "Seconds that a kept model may be old when a run uses it. For an older one, or one from "
        "before Vigil's own latest effect on the cloud, the run collects a new one. 0: always.",
    )
    allow_stale: bool = option(
        "vigil.allow_stale_models",
        Flag(),
        default=False,
        help="Whether a run uses an older model when the cloud cannot be read. "
        "Otherwise the run waits and tries again.",
    )


@dataclass(frozen=True)
class DecisionEngineSettings:
    """How runs of audits become plans."""

    max_audit_workers: int = option(
        "watcher_decision_engine.max_audit_workers", Integer(1, 64), 2, "Runs computed at once."
    )
    action_plan_expiry: int = option(
        "watcher_decision_engine.action_plan_expiry",
        Integer(0),
        24,
        "Hours after which a recommended plan is superseded; 0 keeps plans for ever.",
    )
    check_periodic_interval: int = option(
        "watcher_decision_engine.check_periodic_interval",
        Integer(1),
        1800,
        "Seconds between two searches for expired plans.",
    )
    continuous_audit_interval: int = option(
        "watcher_decision_engine.continuous_audit_interval",
        Integer(1),
        10,
        "Seconds between two searches for continuous audits that are due.",
    )
    run_attempts: int = option(
        "vigil.run_attempts",
        Integer(1),
        5,
        "How often a run is tried when the cloud or the metrics cannot be reached.",
    )
    run_retry_interval: float = option(
        "vigil.run_retry_interval",
        Number(0.1),
        30.0,
        "Seconds before the second try of a run; doubled for each further one.",
    )
    run_losses: int = option(
        "vigil.run_losses",
        Integer(1),
        3,
        "How many decision engines may be lost over one run (crash, kill, loss of the machine) "
        "before it fails instead of being taken over again. An engine that is told to stop gives "
        "its runs back and does not count.",
    )


@dataclass(frozen=True)
class ApplierSettings:
    """How plans are carried out."""

    workers: int = option("watcher_applier.workers", Integer(1, 64), 1, "Plans executed at once.")
    max_parallel_actions: int = option(
        "watcher_workflow_engines.taskflow.max_workers",
        Integer(1, 256),
        8,
        "Actions of one plan that may run at once; the plan's own edges may allow fewer.",
    )
    poll_interval: float = option(
        "nova.migration_interval",
        Number(0.1),
        2.0,
        "Seconds between two looks at a running action.",
    )
    settle_seconds: float = option(
        "vigil.settle_seconds",
        Number(0.0),
        10.0,
        "Seconds after an interrupted call to the cloud before the absence of its effect counts.",
    )


@dataclass(frozen=True)
class PlannerSettings:
    """The weight planner. Types that are not named keep their defaults."""

    weights: Mapping[str, int] = option(
        "watcher_planners.weight.weights",
        Table(),
        {
            "nop": 70,
            "volume_migrate": 60,
            "change_nova_service_state": 50,
            "sleep": 40,
            "stop": 35,
            "migrate": 30,
            "resize": 20,
            "turn_host_to_acpi_s3_state": 10,
            "change_node_power_state": 9,
        },
        "Action types by weight: heavier ones come first.",
    )
    parallelization: Mapping[str, int] = option(
        "watcher_planners.weight.parallelization",
        Table(1),
        {
            "nop": 1,
            "volume_migrate": 2,
            "change_nova_service_state": 1,
            "sleep": 1,
            "stop": 2,
            "migrate": 2,
            "resize": 2,
            "turn_host_to_acpi_s3_state": 2,
            "change_node_power_state": 2,
        },
        "How many actions of a type run side by side.",
    )


@dataclass(frozen=True)
class Settings:
    """The complete choice of one process."""

    log: LogSettings
    database: DatabaseSettings
    nats: NatsSettings
    access: AccessSettings
    api: ApiSettings
    streams: EventStreamSettings
    cloud: CloudSettings
    metrics: MetricsSettings
    simulator: SimulatorSettings
    collector: CollectorSettings
    decision_engine: DecisionEngineSettings
    applier: ApplierSettings
    planner: PlannerSettings
    records: RecordSettings
    notifications: NotificationSettings
    host: str = option(
        "DEFAULT.host",
        Text("a host name"),
        Derived("this machine's host name", lambda _: socket.gethostname()),
        "Under which name this machine's services are known.",
    )
    config_files: tuple[Path, ...] = option(
        "vigil.config_files",
        Files(),
        (),
        "The configuration files in force, also for the libraries that read sections of their own "
        "in them. Never set in a file: `--config-file` sets it.",
    )
    debug: bool = option(
        "DEFAULT.debug",
        Flag(),
        default=False,
        help="Logs debug messages, and tracebacks of errors that end a command.",
    )
    data_dir: Path = option(
        "vigil.data_dir",
        File(),
        Derived(".vigil/up in the working directory", lambda _: Path(".vigil/up").absolute()),
        "Directory of what one installation on one machine keeps: database, NATS store, state.",
    )
    heartbeat_interval: float = option(
        "DEFAULT.periodic_interval",
        Number(0.1),
        5.0,
        "Seconds between two signs of life of a service.",
    )
    service_down_time: float = option(
        "DEFAULT.service_down_time",
        Number(0.5),
        30.0,
        "Seconds without a sign of life after which a service may be replaced.",
    )
    sweep_interval: float = option(
        "vigil.sweep_interval",
        Number(0.1),
        30.0,
        "Seconds between two searches for work that nobody owns, whatever NATS said.",
    )
