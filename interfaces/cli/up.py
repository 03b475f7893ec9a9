import argparse
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from infrastructure import logs
from infrastructure.clock import SystemClock
from infrastructure.logs import scrubbed
from infrastructure.plugins import Registry, with_plugins
from infrastructure.settings import LoadedSettings, Settings
from infrastructure.supervision import (
    ChildReport,
    DirectoryBusy,
    DirectoryLock,
    DirectoryUnusable,
    LineStream,
    NotReady,
    OutputWriter,
    Supervisor,
    UpState,
    share_memory,
    state,
)
from interfaces.cli.alarm import alarm
from interfaces.cli.arguments import add_flag, add_settings, load_settings
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.installation import Installation
from interfaces.cli.installation_plan import plan

LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Runs all roles of Vigil on this machine until Ctrl-C or SIGTERM, and restarts a role that "
        "fails. Starts a NATS server if none is configured, and a simulated cloud if no cloud is."
    )
    cloud = parser.add_argument_group("cloud")
    add_flag(cloud, "--cloud", "vigil.cloud", "NAME", "name of the cloud in clouds.yaml")
    add_simulator_flags(parser)
    api = parser.add_argument_group("API")
    add_flag(api, "--api-port", "api.port", "PORT", "port of the REST API (9322, or a free one)")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--quiet",
        action="store_true",
        help="print only errors, and the URL of the API when all is ready",
    )
    shown.add_argument(
        "--verbose", action="store_true", help="also print the log, which is in DIR/vigil.log"
    )
    add_settings(parser)


def add_simulator_flags(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of the simulated cloud."""
    group = parser.add_argument_group("simulated cloud")
    add_flag(group, "--hosts", "vigil.simulator_hosts", "N", "number of compute hosts (30)")
    add_flag(group, "--servers", "vigil.simulator_servers", "N", "number of servers (300)")
    add_flag(group, "--seed", "vigil.simulator_seed", "N", "random seed of the cloud (42)")
    add_flag(group, "--speed", "vigil.simulator_speed", "X", "simulated seconds per second (1)")


def run(args: argparse.Namespace) -> int:
    """Runs the installation until Ctrl-C or SIGTERM."""
    loaded = load_settings(args)
    with_plugins(loaded, Registry(log_problems=False))  # each role logs the problems it meets
    with (
        report_errors(DirectoryBusy, DirectoryUnusable),
        DirectoryLock(loaded.settings.data_dir),
        closing(plan(loaded, partial(load_settings, args))) as installation,
    ):
        _make_seal_key(installation.settings)
        return _supervise(args, loaded, installation)


def _make_seal_key(settings: Settings) -> None:
    """Makes the default key that seals the log; a missing file that the user named is an error."""
    path = settings.seal.key
    if path.exists():
        return
    if path.parent != settings.data_dir:
        hint = "`vigil seal key` makes it"
        raise CommandFailed(f"[vigil] seal_key: there is no file {path} ({hint})")
    # Only here: this process signs nothing.
    from infrastructure.seal.keys import PrivateKey  # noqa: PLC0415

    PrivateKey.create(path)


def _supervise(args: argparse.Namespace, loaded: LoadedSettings, installation: Installation) -> int:
    settings = installation.settings
    output = OutputWriter(
        installation.log,
        sys.stderr,
        width=0 if settings.log.format == "json" else 15,
        errors_only=not args.verbose,
    )
    logs.configure(
        role="up",
        level="debug" if settings.debug else settings.log.level,
        form=settings.log.format,
        stream=LineStream("up", output),
        name_role=False,
    )
    for line in _start_lines(loaded, installation):
        LOG.info("%s", line)
    for line in loaded.unused():
        LOG.warning("%s", line)
    for line in _alarms(loaded.settings, installation):
        LOG.warning("%s", line)
        alarm(line, None if args.quiet else sys.stderr)
    status = _StatusFile(installation, quiet=args.quiet)
    installation.preload()
    share_memory()
    supervisor = Supervisor(
        installation.specs(), output=output, changed=status.changed, ready=status.ready
    )
    try:
        supervisor.run()
    except NotReady as error:
        raise CommandFailed(f"{error}; see {installation.log}") from error
    finally:
        state.remove(installation.directory)
        output.close()
    return 0


def _alarms(asked: Settings, installation: Installation) -> Iterator[str]:
    """What an operator must not overlook; ``asked`` is what the sources set."""
    warning = installation.settings.api.authentication_warning
    if warning is not None:
        yield warning
    if installation.simulator_url is not None and asked.access.names_credentials:
        yield (
            "SIMULATED CLOUD: [keystone_authtoken] names a Keystone, but nothing names a cloud, so "
            "all plans move servers of a simulation (set [vigil] cloud)"
        )


def _start_lines(loaded: LoadedSettings, installation: Installation) -> list[str]:
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
            "use --cloud NAME for a cloud of clouds.yaml"
        )
        if os.environ.get("OS_CLOUD"):
            lines.append(
                f"OS_CLOUD is not used: use --cloud {os.environ['OS_CLOUD']} to optimise that cloud"
            )
    else:
        lines.append(f"cloud {settings.cloud.name or 'of [watcher_clients_auth]'}")
    if settings.api.port != loaded.settings.api.port:
        lines.append(f"port {loaded.settings.api.port} is taken: the API is on {settings.api.port}")
    return lines


class _StatusFile:
    """Keeps ``up.json`` up to date, and prints what to do when all processes are ready."""

    def __init__(self, installation: Installation, *, quiet: bool) -> None:
        self._installation = installation
        self._quiet = quiet
        self._started = SystemClock().now().astimezone(UTC)
        self._ready = False
        self._children: tuple[ChildReport, ...] = ()

    def changed(self, children: tuple[ChildReport, ...]) -> None:
        """Writes the states of the child processes."""
        self._children = children
        try:
            state.write(self._installation.directory, self._state())
        except OSError as error:  # the file is only information: the roles go on
            LOG.warning("%s; up.json is not up to date", error)

    def ready(self) -> None:
        """Writes that all processes are ready; prints the URL, and how to go on."""
        self._ready = True
        self.changed(self._children)
        url = self._installation.settings.api.url
        LOG.info("ready: %s", url)
        print(url if self._quiet else "\n".join(_banner(self._installation)), flush=True)

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


def _banner(installation: Installation) -> list[str]:
    """Where the API is, how to watch it, and how to use it."""
    cloud = installation.settings.cloud
    client = "openstack optimize audit list"
    if installation.simulator_url is not None and cloud.config_file is not None:
        client = f"OS_CLIENT_CONFIG_FILE={cloud.config_file} OS_CLOUD={cloud.name} {client}"
    elif cloud.name:
        client = f"OS_CLOUD={cloud.name} {client}"
    return [
        f"ready:  {installation.settings.api.url}",
        f"watch:  vigil status --data {installation.directory}",
        f"client: {client}",
    ]


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
