"""Which API a command uses: by URL, by the name of a cloud, or that of the `vigil up` here."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from interfaces.client.errors import ApiNotFound, ClientError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from interfaces.client.client import VigilClient


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that name an API."""
    group = parser.add_argument_group("connection")
    group.add_argument("--url", metavar="URL", help="URL of the API (VIGIL_URL)")
    group.add_argument(
        "--os-cloud",
        metavar="NAME",
        help="cloud of clouds.yaml: its infra-optim endpoint and its credentials (OS_CLOUD)",
    )
    group.add_argument(
        "--data", metavar="DIR", help="data directory of the `vigil up` to use (.vigil/up)"
    )
    parser.set_defaults(debug=False)


def client_from(args: argparse.Namespace) -> "VigilClient":
    """The client for the API that the arguments, the environment or a running `vigil up` name.

    Raises:
        ApiNotFound: nothing names one.
        ClientError: a cloud cannot be used.
    """
    url = args.url or (None if args.os_cloud or args.data else os.environ.get("VIGIL_URL"))
    cloud = args.os_cloud or (None if args.data else os.environ.get("OS_CLOUD"))
    if url and not args.os_cloud:
        return _client(url)
    if cloud:
        return _of_cloud(cloud, url)
    return _of_running(args)


def _client(
    url: str, token: "Callable[[], str] | None" = None, tls: "ssl.SSLContext | None" = None
) -> "VigilClient":
    # Only here: a help text, which declares the arguments, needs no HTTP.
    from interfaces.client.client import VigilClient  # noqa: PLC0415

    return VigilClient(url, token, tls=tls)


def _of_running(args: argparse.Namespace) -> "VigilClient":
    # Only here: an API that is named by its URL needs neither settings nor state files.
    from infrastructure.supervision import holder, state  # noqa: PLC0415

    directory = Path(args.data) if args.data else _data_dir()
    found = state.read(directory)
    if found is None or holder(directory) is None:
        raise ApiNotFound(f"no `vigil up` is running on {directory}")
    return _client(found.api_url)


def _data_dir() -> Path:
    """The data directory of the settings."""
    from infrastructure.settings import load  # noqa: PLC0415 - as above

    return load(flags={}, environ=os.environ, files=None).settings.data_dir


def _of_cloud(name: str, url: str | None) -> "VigilClient":
    """The API in the catalogue of a cloud, with tokens of its credentials."""
    # Only here: openstacksdk takes longer to load than most commands take.
    from keystoneauth1.exceptions import ClientException  # noqa: PLC0415
    from openstack.config import OpenStackConfig  # noqa: PLC0415
    from openstack.exceptions import ConfigException  # noqa: PLC0415

    try:
        region = OpenStackConfig().get_one(cloud=name)
        session = region.get_session()
        endpoint = url or session.get_endpoint(
            service_type="infra-optim",
            interface=region.get_interface("infra-optim"),
            region_name=region.get_region_name("infra-optim"),
        )
    except (ClientException, ConfigException) as error:
        raise ClientError(f"cloud {name}: {error}") from error
    if endpoint is None:
        raise ClientError(f"cloud {name}: its catalogue has no infra-optim endpoint")

    def token() -> str:
        try:
            return str(session.get_token())
        except ClientException as error:
            raise ClientError(f"cloud {name}: {error}") from error

    verify, certificate = region.get_requests_verify_args()
    base = endpoint.rstrip("/").removesuffix("/v1")
    return _client(base, token, _tls(verify, certificate))


def _tls(
    verify: bool | str | None,  # noqa: FBT001 - as openstacksdk returns it
    certificate: str | tuple[str, str] | None,
) -> "ssl.SSLContext":
    """How certificates are checked, and the client's own; as in clouds.yaml."""
    import ssl  # noqa: PLC0415 - as in ``_client``

    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if isinstance(certificate, tuple):
        context.load_cert_chain(*certificate)
    elif isinstance(certificate, str):
        context.load_cert_chain(certificate)
    return context
