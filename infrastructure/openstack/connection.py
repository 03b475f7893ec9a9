"""How a cloud is reached: clouds.yaml, time-outs, who we say we are."""

import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openstack.config import loader
from openstack.connection import Connection
from openstack.warnings import RemovedInSDK60Warning

from infrastructure.openstack.errors import spoken


@dataclass(frozen=True)
class ConnectionLimits:
    """How patient we are with a cloud.

    Attributes:
        timeout: of a request that reads, s.
        effect_timeout: of a request that changes something, s. Longer, because a live migration
            is checked on both hosts before it is answered.
        read_retries: how often a failed read is repeated. Effects are never repeated.
        workers: requests at once while collecting.
        page: items per page of a list.
        settle: seconds during which an effect that left no trace may still be on its way.
        copy_rate: memory or disk that a migration surely copies, bytes/s.
        shortest_deadline: of any effect that takes time, s.
    """

    timeout: float = 30.0
    effect_timeout: float = 180.0
    read_retries: int = 2
    workers: int = 8
    page: int = 1000
    settle: float = 10.0
    copy_rate: float = 32 * 1024**2
    shortest_deadline: float = 900.0


def connect(
    cloud: str | None = None,
    config_file: str | Path | None = None,
    limits: ConnectionLimits | None = None,
) -> Connection:
    """A connection to a cloud. Nothing is sent before the first request.

    Args:
        cloud: entry in clouds.yaml; None: ``OS_CLOUD``, or the only entry.
        config_file: the clouds.yaml; None: where OpenStack clients look for it. A file that is
            named is the only one read (``OS_CLIENT_CONFIG_FILE`` does not override it).
        limits: time-outs; ``api_timeout`` of the entry goes before.

    Raises:
        CloudRefused: there is no such entry, or it is not usable.
    """
    chosen = limits or ConnectionLimits()
    with spoken(), warnings.catch_warnings():
        # the SDK warns of its own defaults, which we do not choose
        warnings.simplefilter("ignore", RemovedInSDK60Warning)
        config = loader.OpenStackConfig(
            config_files=None if config_file is None else [str(config_file)],
            load_envvars=config_file is None,
            app_name="vigil",
            app_version=_version(),
        )
        region = config.get_one(cloud=cloud)
        if region.config.get("api_timeout") is None:
            region.config["api_timeout"] = chosen.timeout
        return Connection(config=region)


def _version() -> str:
    try:
        return version("vigil-optimizer")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "source"
