"""The processes that `vigil up` runs, their settings and their ports."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from application.ports.cloud import CloudRefused
from domain.cluster.kinds import ModelKind
from infrastructure.messaging.embedded import EmbeddedNats
from infrastructure.notifications.listener import HOW_TO_INSTALL, is_installed
from infrastructure.settings import LoadedSettings, Settings
from infrastructure.simulator.core.config import clouds_yaml, keystone_conf
from infrastructure.supervision import ChildSpec, ProcessCommand, reserve_port
from infrastructure.supervision.nats import NatsLaunch
from infrastructure.supervision.probes import all_of, file_exists, responds
from interfaces.bootstrap.cloud import SECTION, connection
from interfaces.cli.errors import CommandFailed
from interfaces.cli.ports import Ports, api_listener, listener, port_of

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
SIMULATED = "simulator"
"""Name of the simulated cloud in its clouds.yaml."""
WORKERS = ("projector", "relay", "decision-engine", "applier", "scheduler", "collector")
Reload = Callable[[dict[str, str]], LoadedSettings]
"""Loads the user's settings with some options (``section.name`` → text) replaced."""
PROGRAM = (sys.executable, "-m", "interfaces.cli.main")


@dataclass(frozen=True)
class Installation:
    """The processes of an installation on one machine.

    Attributes:
        settings: of the roles.
        environment: gives the roles these settings.
        server: the embedded NATS server; None if an external one is used.
        simulator_url: base URL of the simulated cloud; None if a real cloud is used.
        ports: on which the processes listen.
    """

    settings: Settings
    environment: Mapping[str, str]
    server: EmbeddedNats | None
    simulator_url: str | None
    ports: Ports

    def close(self) -> None:
        """Closes the ports."""
        self.ports.close()

    @property
    def directory(self) -> Path:
        """The data directory."""
        return self.settings.data_dir

    @property
    def log(self) -> Path:
        """Log file of all processes."""
        return self.directory / "vigil.log"

    def specs(self) -> list[ChildSpec]:
        """The processes to supervise."""
        return [*self._foundations(), *self._roles()]

    def _foundations(self) -> list[ChildSpec]:
        specs = [
            ChildSpec(
                "db-upgrade",
                ProcessCommand((*PROGRAM, "db", "upgrade"), self.environment),
                once=True,
                vital=True,
                ready_within=120.0,
            )
        ]
        if self.server is not None:
            specs.append(ChildSpec("nats", NatsLaunch(self.server), vital=True))
        if self.simulator_url is not None:
            specs.append(
                ChildSpec(
                    SIMULATED,
                    ProcessCommand(
                        (*PROGRAM, "sim", *self._simulator_arguments()),
                        self.environment,
                        listener=self.ports.simulator,
                    ),
                    ready=responds(self.simulator_url),
                    ready_within=60.0,
                    vital=True,
                )
            )
        return specs

    def _simulator_arguments(self) -> list[str]:
        chosen = self.settings.simulator
        url = self.simulator_url or ""
        arguments = {
            "--host": LOOPBACK,
            "--port": url.rpartition(":")[2],
            "--hosts": str(chosen.hosts),
            "--servers": str(chosen.servers),
            "--seed": str(chosen.seed),
            "--speed": str(chosen.speed),
            "--state": str(self.directory / "simulator.sqlite"),
            "--endpoint": f"infra-optim={self.settings.api.url}",
        }
        if chosen.cluster_file is not None:
            arguments["--cluster"] = str(chosen.cluster_file)
        return [word for pair in arguments.items() for word in pair]

    def _optional(self) -> list[str]:
        """The roles that run only if notifications are configured."""
        settings = self.settings
        notifies = settings.notifier.is_on
        if notifies and settings.notifier.uses_bus and not is_installed():
            raise CommandFailed(f"[oslo_messaging_notifications] driver: {HOW_TO_INSTALL}")
        # the simulated cloud sends no notifications
        listens = settings.notifications.url is not None and self.simulator_url is None
        if listens and not is_installed():
            LOG.warning("%s; [DEFAULT] transport_url is not used", HOW_TO_INSTALL)
            listens = False
        return ["listener"] * listens + ["notifier"] * notifies

    def _roles(self) -> list[ChildSpec]:
        run = self.directory / "run"
        run.mkdir(exist_ok=True, mode=0o700)
        specs = [
            ChildSpec(
                role,
                ProcessCommand(
                    (*PROGRAM, role), self.environment, ready_file=run / f"{role}.ready"
                ),
                stage=1,
                ready=file_exists(run / f"{role}.ready"),
                ready_within=60.0,
                grace=15.0,
            )
            for role in (*WORKERS, *self._optional())
        ]
        api = ChildSpec(
            "api",
            ProcessCommand(
                (*PROGRAM, "api"),
                self.environment,
                ready_file=run / "api.ready",
                listener=self.ports.api,
            ),
            stage=1,
            ready=all_of(file_exists(run / "api.ready"), responds(self.settings.api.url)),
            ready_within=60.0,
            vital=True,
            grace=35.0,
        )
        return [*specs, api]


def plan(loaded: LoadedSettings, reload: Reload) -> Installation:
    """Chooses the processes, ports and addresses.

    Args:
        loaded: the user's settings; the data directory exists and is locked.
        reload: loads them again with some options replaced.

    Raises:
        CommandFailed: a port that the user chose is taken, or clouds.yaml has no such cloud.
    """
    if not loaded.settings.cloud.is_simulated:
        _check_cloud(loaded.settings)
    ports = Ports(api_listener(loaded))
    try:
        return _planned(loaded, reload, ports)
    except BaseException:
        ports.close()
        raise


def _planned(loaded: LoadedSettings, reload: Reload, ports: Ports) -> Installation:
    settings = loaded.settings
    fixed: dict[str, str] = {"api.port": str(port_of(ports.api))}
    server = simulator_url = None
    if settings.nats.embedded:
        port = settings.nats.port or _reserve_nats(ports)
        if settings.nats.port:
            listener("vigil", "nats_port", LOOPBACK, port).close()  # NATS binds it itself
        server = EmbeddedNats(settings.data_dir / "nats", port=port)
        fixed["vigil.nats_url"] = f"nats://{LOOPBACK}:{port}"
        fixed["vigil.nats_token"] = server.token
    if settings.cloud.is_simulated:
        ports.simulator = listener("vigil", "simulator_port", LOOPBACK, settings.simulator.port)
        simulator_url = f"http://{LOOPBACK}:{port_of(ports.simulator)}"
        fixed.update(_simulated(settings, simulator_url))
        if not loaded.chosen("collector", "collector_plugins"):
            fixed["collector.collector_plugins"] = ",".join(ModelKind)
    final = reload(fixed)
    if final.settings.api.enable_authentication:
        _check_access(final.settings)
    inherited = {name: value for name, value in os.environ.items() if name[:6] != "VIGIL_"}
    return Installation(
        settings=final.settings,
        environment={**inherited, **final.environment(), "PYTHONUNBUFFERED": "1"},
        server=server,
        simulator_url=simulator_url,
        ports=ports,
    )


def _reserve_nats(ports: Ports) -> int:
    ports.nats = reserve_port(LOOPBACK)
    return ports.nats.port


def _check_cloud(settings: Settings) -> None:
    """Checks that the configuration names a cloud that can be connected to; sends no request."""
    cloud = settings.cloud
    if cloud.config_file is not None and not cloud.config_file.is_file():
        raise CommandFailed(f"[vigil] cloud_config: there is no file {cloud.config_file}")
    try:
        connection(settings).close()
    except CloudRefused as error:
        if cloud.in_files:
            raise CommandFailed(f"[{SECTION}]: {error}") from error
        place = cloud.config_file or "the usual places of clouds.yaml"
        raise CommandFailed(f"[vigil] cloud {cloud.name}: {error} (looked in {place})") from error


def _check_access(settings: Settings) -> None:
    """Checks, before any process starts, that the API can validate tokens."""
    # Only here: without authentication this process does not need the API's libraries.
    from interfaces.bootstrap.access import identity, policy  # noqa: PLC0415

    identity(settings)
    policy(settings)


def _simulated(settings: Settings, url: str) -> dict[str, str]:
    path = settings.data_dir / "clouds.yaml"
    path.write_text(clouds_yaml(url, SIMULATED), encoding="utf-8")
    path.chmod(0o600)
    found = {"vigil.cloud": SIMULATED, "vigil.cloud_config": str(path)}
    if settings.api.enable_authentication and not settings.access.names_credentials:
        found["vigil.config_files"] = ",".join(map(str, _with_credentials(settings, url)))
    if settings.metrics.prometheus_url is None:
        found["vigil.prometheus_url"] = f"{url}/prometheus"
    return found


def _with_credentials(settings: Settings, url: str) -> list[Path]:
    """The configuration files, after one with credentials for the simulated Keystone."""
    path = settings.data_dir / "keystone.conf"
    path.touch(mode=0o600)
    path.write_text(keystone_conf(url), encoding="utf-8")
    return [path, *settings.config_files]
