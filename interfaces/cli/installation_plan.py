"""Plans what `vigil up` runs: a server and a cloud where none is configured, free ports."""

import os
from collections.abc import Callable
from pathlib import Path

from application.ports.cloud import CloudRefused
from domain.cluster.kinds import ModelKind
from infrastructure.messaging.embedded import EmbeddedNats
from infrastructure.settings import LoadedSettings, Settings
from infrastructure.simulator.core.config import clouds_yaml, keystone_conf
from infrastructure.supervision import reserve_port
from interfaces.bootstrap.cloud import SECTION, connection
from interfaces.cli.errors import CommandFailed
from interfaces.cli.installation import LOOPBACK, SIMULATED, Installation
from interfaces.cli.ports import Ports, api_listener, listener, port_of

Reload = Callable[[dict[str, str]], LoadedSettings]
"""Loads the user's settings with some options (``section.name`` → text) replaced."""


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
        loaded=final,
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
