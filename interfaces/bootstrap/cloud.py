"""The connection to the cloud."""

from keystoneauth1 import loading
from openstack.connection import Connection

from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.baremetal.maas import MaasNodes
from infrastructure.openstack.baremetal.maas_api import MaasApi
from infrastructure.openstack.baremetal.nodes import Nodes
from infrastructure.openstack.connection import ConnectionLimits, connect, connect_from
from infrastructure.settings import Settings, library_options

SECTION = "watcher_clients_auth"
"""The section of the original service with the credentials of the cloud."""


def connection(settings: Settings) -> Connection:
    """A connection to the configured cloud; sends no request yet.

    Raises:
        CloudRefused: clouds.yaml has no such cloud, or the credentials are invalid.
    """
    cloud = settings.cloud
    if not cloud.in_files:
        return connect(cloud.name, cloud.config_file, limits(settings))
    options = library_options(settings)
    conf = options.load()
    for section in (SECTION, cloud.auth_section or SECTION):
        loading.register_auth_conf_options(conf, section)
    options.settle(conf, SECTION)
    return connect_from(
        conf,
        SECTION,
        region=cloud.region,
        interface=cloud.interface,
        limits=limits(settings),
    )


def nodes(settings: Settings, cloud: Connection) -> Nodes:
    """The service that manages the bare metal; sends no request yet."""
    maas, timing = settings.maas, limits(settings)
    if maas.url is None or maas.api_key is None:
        return IronicNodes(cloud, timing)
    retries = timing.read_retries
    return MaasNodes(MaasApi(maas.url, maas.api_key, timeout=maas.timeout, read_retries=retries))


def limits(settings: Settings) -> ConnectionLimits:
    """Time limits of requests to the cloud."""
    return ConnectionLimits(timeout=settings.cloud.timeout, settle=settings.applier.settle_seconds)
