"""The processes that `vigil up` runs, their settings and their ports."""

import importlib
import logging
import socket
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infrastructure.messaging.embedded import EmbeddedNats
from infrastructure.notifications.listener import HOW_TO_INSTALL, is_installed
from infrastructure.plugins import Registry
from infrastructure.settings import LoadedSettings, Settings
from infrastructure.supervision import ChildSpec, ForkCommand
from infrastructure.supervision.nats import NatsLaunch
from infrastructure.supervision.probes import all_of, file_exists, responds
from interfaces.cli.errors import CommandFailed
from interfaces.cli.main import main, run_command
from interfaces.cli.ports import Ports

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
SIMULATED = "simulator"
"""Name of the simulated cloud in its clouds.yaml."""
WORKERS = ("projector", "relay", "decision-engine", "applier", "scheduler", "collector")


@dataclass(frozen=True)
class Installation:
    """The processes of an installation on one machine.

    Attributes:
        loaded: the settings of the roles, and where they come from.
        environment: of the processes; it has these settings, too.
        server: the embedded NATS server; None if an external one is used.
        simulator_url: base URL of the simulated cloud; None if a real cloud is used.
        ports: on which the processes listen.
    """

    loaded: LoadedSettings
    environment: Mapping[str, str]
    server: EmbeddedNats | None
    simulator_url: str | None
    ports: Ports

    def close(self) -> None:
        """Closes the ports."""
        self.ports.close()

    @property
    def settings(self) -> Settings:
        """The settings of the roles."""
        return self.loaded.settings

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

    def preload(self) -> None:
        """Imports what the processes need: all of them share it."""
        commands = ["roles", "db", *["sim"] * (self.simulator_url is not None)]
        roles = [role.replace("-", "_") for role in (*WORKERS, *self._optional(), "api")]
        for module in (
            *(f"interfaces.cli.{command}" for command in commands),
            *(f"interfaces.bootstrap.roles.{role}" for role in roles),
        ):
            importlib.import_module(module)
        Registry().preload()

    def _command(
        self, name: str, *words: str, listener: socket.socket | None = None
    ) -> ForkCommand:
        """A command of `vigil` in a fork of this process."""
        return ForkCommand(name, partial(main, words), self.environment, None, _number(listener))

    def _role(self, name: str, listener: socket.socket | None = None) -> ForkCommand:
        """A role in a fork of this process, which has loaded its settings."""
        # Only here: it is in memory when the roles are started, and `--help` does not need it.
        from interfaces.cli import roles  # noqa: PLC0415

        args = Namespace(
            debug=self.settings.debug, run=lambda _: roles.run_loaded(name, self.loaded)
        )
        work = partial(run_command, args)
        return ForkCommand(name, work, self.environment, self._ready(name), _number(listener))

    def _ready(self, role: str) -> Path:
        """The file that a role writes when it is ready."""
        return self.directory / "run" / f"{role}.ready"

    def _foundations(self) -> list[ChildSpec]:
        specs = [
            ChildSpec(
                "db-upgrade",
                self._command("db-upgrade", "db", "upgrade"),
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
                    self._command(
                        SIMULATED,
                        "sim",
                        *self._simulator_arguments(),
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
        self._ready("").parent.mkdir(exist_ok=True, mode=0o700)
        specs = [
            ChildSpec(
                role,
                self._role(role),
                stage=1,
                ready=file_exists(self._ready(role)),
                ready_within=60.0,
                grace=15.0,
            )
            for role in (*WORKERS, *self._optional())
        ]
        api = ChildSpec(
            "api",
            self._role("api", self.ports.api),
            stage=1,
            ready=all_of(file_exists(self._ready("api")), responds(self.settings.api.url)),
            ready_within=60.0,
            vital=True,
            grace=35.0,
        )
        return [*specs, api]


def _number(listener: socket.socket | None) -> int | None:
    return None if listener is None else listener.fileno()
