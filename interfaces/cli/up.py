import argparse
import logging
import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from infrastructure import logs
from infrastructure.clock import SystemClock
from infrastructure.logs import scrubbed
from infrastructure.settings import LoadedSettings
from infrastructure.supervision import (
    ChildReport,
    DirectoryBusy,
    DirectoryLock,
    DirectoryUnusable,
    NotReady,
    Prefixed,
    Supervisor,
    UpState,
    Voice,
    state,
)
from interfaces.cli.alarm import alarm
from interfaces.cli.common import add_flag, add_settings, load_settings
from interfaces.cli.errors import CommandFailed
from interfaces.cli.installation import Installation, plan

LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Runs all roles of Vigil on this machine, and keeps them running, until Ctrl-C or SIGTERM. "
        "Without a NATS URL it runs a NATS server of its own; without a cloud it simulates one."
    )
    cloud = parser.add_argument_group("cloud")
    add_flag(cloud, "--cloud", "vigil.cloud", "NAME", "entry of clouds.yaml to optimise")
    add_simulator_flags(parser)
    api = parser.add_argument_group("API")
    add_flag(api, "--api-port", "api.port", "PORT", "port of the REST API (9322, or a free one)")
    parser.add_argument("--quiet", action="store_true", help="write to DIR/vigil.log only")
    add_settings(parser)


def add_simulator_flags(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that shape the simulated cloud."""
    group = parser.add_argument_group("simulated cloud")
    add_flag(group, "--hosts", "vigil.simulator_hosts", "N", "compute hosts (30)")
    add_flag(group, "--servers", "vigil.simulator_servers", "N", "servers (300)")
    add_flag(group, "--seed", "vigil.simulator_seed", "N", "seed of everything generated (42)")
    add_flag(group, "--speed", "vigil.simulator_speed", "X", "simulated seconds per second")


def run(args: argparse.Namespace) -> int:
    """Runs the installation until it is told to stop."""
    loaded = load_settings(args)
    try:
        with DirectoryLock(loaded.settings.data_dir):
            return _run(args, loaded)
    except (DirectoryBusy, DirectoryUnusable) as error:
        raise CommandFailed(str(error)) from error


def _run(args: argparse.Namespace, loaded: LoadedSettings) -> int:
    with closing(plan(loaded, partial(load_settings, args))) as installation:
        return _keep_running(args, loaded, installation)


def _keep_running(
    args: argparse.Namespace, loaded: LoadedSettings, installation: Installation
) -> int:
    settings = installation.settings
    output = Prefixed(
        installation.log,
        None if args.quiet else sys.stderr,
        width=0 if settings.log.format == "json" else 15,
    )
    logs.configure(
        role="up",
        level="debug" if settings.debug else settings.log.level,
        form=settings.log.format,
        stream=Voice("up", output),
        name_role=False,
    )
    for line in _announcement(loaded, installation):
        LOG.info("%s", line)
    if settings.api.authentication_warning is not None:
        LOG.warning("%s", settings.api.authentication_warning)
        alarm(settings.api.authentication_warning, None if args.quiet else sys.stderr)
    board = _Board(installation)
    supervisor = Supervisor(
        installation.specs(), output=output, changed=board.changed, ready=board.ready
    )
    try:
        supervisor.run()
    except NotReady as error:
        raise CommandFailed(f"{error}; {installation.log} tells why") from error
    finally:
        state.remove(installation.directory)
        output.close()
    return 0


def _announcement(loaded: LoadedSettings, installation: Installation) -> list[str]:
    settings = installation.settings
    lines = [
        f"Vigil {version('vigil-optimizer')}, data directory {installation.directory}",
        f"database {scrubbed(settings.database.connection)}",
    ]
    if installation.simulator_url is not None:
        shape = settings.simulator
        source = (
            shape.cluster_file or f"{shape.hosts} hosts, {shape.servers} servers, seed {shape.seed}"
        )
        lines.append(
            f"no cloud is configured: simulating one ({source}, speed {shape.speed:g}); "
            "--cloud NAME takes an entry of clouds.yaml instead"
        )
        if os.environ.get("OS_CLOUD"):
            lines.append(
                f"OS_CLOUD is not used: say --cloud {os.environ['OS_CLOUD']} to optimise that cloud"
            )
    else:
        lines.append(f"cloud {settings.cloud.name}")
    if settings.api.port != loaded.settings.api.port:
        lines.append(f"port {loaded.settings.api.port} is taken: the API is on {settings.api.port}")
    return lines


class _Board:
    """Keeps ``up.json`` true, and says when everything is there."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._started = SystemClock().now().astimezone(UTC)
        self._ready = False
        self._children: tuple[ChildReport, ...] = ()

    def changed(self, children: tuple[ChildReport, ...]) -> None:
        """Writes down how the children stand."""
        self._children = children
        try:
            state.write(self._installation.directory, self._state())
        except OSError as error:  # it only informs; the roles must not end for it
            LOG.warning("%s; up.json is not up to date", error)

    def ready(self) -> None:
        """Writes down and says that everything has come up."""
        self._ready = True
        self.changed(self._children)
        LOG.info("ready: %s", self._installation.settings.api.url)
        for line in _hints(self._installation):
            LOG.info("%s", line)

    def _state(self) -> UpState:
        one = self._installation
        settings = one.settings
        return UpState(
            pid=os.getpid(),
            started_at=_iso(self._started),
            version=version("vigil-optimizer"),
            ready=self._ready,
            data_dir=str(one.directory),
            api_url=settings.api.url,
            database=settings.database.connection,
            nats_url=settings.nats.url or "",
            nats_token=settings.nats.token,
            cloud=settings.cloud.name or "",
            cloud_config=str(settings.cloud.config_file) if settings.cloud.config_file else None,
            simulator_url=one.simulator_url,
            prometheus_url=settings.metrics.prometheus_url,
            log=str(one.log),
            children=self._children,
        )


def _hints(installation: Installation) -> list[str]:
    where = installation.directory
    lines = [f"look at it: vigil status --data {where}; vigil replay log --data {where}"]
    cloud = installation.settings.cloud
    if installation.simulator_url is not None and cloud.config_file is not None:
        variables = f"OS_CLIENT_CONFIG_FILE={cloud.config_file} OS_CLOUD={cloud.name}"
        lines.append(f"work with it: {variables} openstack optimize audit list")
    return lines


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
