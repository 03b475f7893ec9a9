"""Connects to a cloud: clouds.yaml, time-outs, User-Agent, the service catalogue."""

import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from keystoneauth1 import loading
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from openstack.config import loader
from openstack.config.cloud_region import CloudRegion
from openstack.connection import Connection
from openstack.warnings import RemovedInSDK60Warning
from oslo_config import cfg

from infrastructure.openstack.errors import ServiceAbsent, translated_errors


@dataclass(frozen=True)
class ConnectionLimits:
    """Time-outs, retries and sizes of requests to a cloud.

    Attributes:
        timeout: of a request that reads, s.
        effect_timeout: of a request that changes something, s. Longer, because Nova checks a live
            migration on both hosts before it responds.
        read_retries: how often a failed read is repeated. Other requests are never repeated.
        workers: parallel requests of a collection.
        page: items per page of a list.
        settle: seconds during which a request without a record in Nova may still arrive there.
        copy_rate: lowest rate at which a migration copies memory or disk, bytes/s.
        shortest_deadline: of any action that takes time, s.
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
    """Returns a connection to a cloud. Sends nothing.

    Args:
        cloud: entry in clouds.yaml; None: ``OS_CLOUD``, or the only entry.
        config_file: the clouds.yaml; None: where OpenStack clients look for it. With a file,
            no other is read (``OS_CLIENT_CONFIG_FILE`` does not override it).
        limits: time-outs; ``api_timeout`` of the entry has precedence.

    Raises:
        CloudRefused: there is no such entry, or it is invalid.
    """
    chosen = limits or ConnectionLimits()
    with translated_errors(), warnings.catch_warnings():
        # the SDK warns about its own defaults
        warnings.simplefilter("ignore", RemovedInSDK60Warning)
        config = loader.OpenStackConfig(
            config_files=None if config_file is None else [str(config_file)],
            load_envvars=config_file is None,
            app_name="vigil",
            app_version=_version(),
        )
        return _opened(config.get_one(cloud=cloud), chosen)


def connect_from(
    conf: cfg.ConfigOpts,
    section: str,
    *,
    region: str | None,
    interface: str,
    limits: ConnectionLimits | None = None,
) -> Connection:
    """Returns a connection to the cloud of a section of a configuration file. Sends nothing.

    Args:
        conf: has the section with the options of a keystoneauth plug-in and session.
        section: its name.
        region: of the cloud; None: the only one.
        interface: of its endpoints.
        limits: time-outs.

    Raises:
        CloudRefused: the options are invalid.
    """
    loading.register_session_conf_options(conf, section)
    where = str(conf[section].auth_section or section)
    with translated_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RemovedInSDK60Warning)
        config = loader.OpenStackConfig(
            config_files=[],
            load_yaml_config=False,
            load_envvars=False,
            app_name="vigil",
            app_version=_version(),
        )
        session = conf[section]
        one = config.get_one(
            auth_type=conf[where].auth_type,
            auth=_credentials(conf, where),
            region_name=region,
            interface=interface,
            verify=not session.insecure,
            cacert=session.cafile,
            cert=session.certfile,
            key=session.keyfile,
            api_timeout=session.timeout,
        )
        return _opened(one, limits or ConnectionLimits())


def _credentials(conf: cfg.ConfigOpts, section: str) -> dict[str, object]:
    """The options of the keystoneauth plug-in that a section names."""
    options = loading.get_auth_plugin_conf_options(conf[section].auth_type)
    conf.register_opts(options, section)
    found = {one.dest: conf[section][one.dest] for one in options}
    return {name: value for name, value in found.items() if value is not None}


def _opened(region: CloudRegion, limits: ConnectionLimits) -> Connection:
    if region.config.get("api_timeout") is None:
        region.config["api_timeout"] = limits.timeout
    region.set_session_constructor(_Session)
    return Connection(config=region)


class _Session(Session):
    """A session that several threads use.

    keystoneauth repeats a request that was answered 401 only if it had a token to discard; of
    parallel requests with a revoked token, all but the first failed.
    """

    def invalidate(self, auth: BaseAuthPlugin | None = None) -> bool:
        """Discards the token; the request is repeated, once, also if there is none any more."""
        super().invalidate(auth)
        return True


def require_service(connection: Connection, kind: str) -> None:
    """Checks that a cloud has a service of this type.

    Raises:
        ServiceAbsent: the catalogue has no such entry.
        CloudUnreachable: the catalogue cannot be read.
    """
    with translated_errors():
        if connection.config.get_endpoint(kind):
            return  # clouds.yaml gives the address
        auth = connection.session.auth
        if not isinstance(auth, BaseIdentityPlugin):
            return  # without Keystone there is no catalogue; the first request will show
        catalogue = auth.get_access(connection.session).service_catalog
        offered = catalogue.get_endpoints_data(service_type=kind)
    if not any(offered.values()):
        raise ServiceAbsent(kind)


def _version() -> str:
    try:
        return version("vigil-optimizer")
    except PackageNotFoundError:  # a source tree that is not installed
        return "source"
