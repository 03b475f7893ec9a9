"""Validates tokens with Keystone, through keystonemiddleware's auth_token.

The filter is a WSGI application. It wraps a small inner application instead of the whole API, so
that public routes are declared in one place (the route table), and a refused request is logged,
counted and answered like every other one.
"""

import logging
from collections.abc import Iterable
from typing import Any, cast

import falcon
from keystoneauth1.access import AccessInfo
from keystoneauth1.exceptions import ClientException
from keystonemiddleware import auth_token
from oslo_config import cfg

from domain.kernel.metadata import Actor, ActorKind
from infrastructure.settings import LibraryOptions
from interfaces.rest.auth import Caller
from interfaces.rest.errors import IdentityUnavailable, Unauthenticated

LOG = logging.getLogger("vigil.identity")

SECTION = "keystone_authtoken"
SERVICE_TYPE = "infra-optim"
CONNECT_TIMEOUT = 5
"""Default of http_connect_timeout, the seconds for one request to Keystone."""

_VALID = 204
_INVALID = 401


class IdentityMisconfigured(Exception):
    """``[keystone_authtoken]`` is incomplete or invalid."""


class KeystoneIdentity:
    """Validates tokens and returns their users.

    Args:
        options: source of the section ``[keystone_authtoken]``.

    Raises:
        IdentityMisconfigured: the section is not usable. No request is sent to Keystone yet.
    """

    def __init__(self, options: LibraryOptions) -> None:
        try:
            self._filter = auth_token.AuthProtocol(
                _accept, {"oslo_config_config": _configuration(options)}
            )
        except (cfg.Error, ClientException, ValueError, ImportError) as error:
            raise IdentityMisconfigured(f"[{SECTION}]: {error}") from error

    def identify(self, req: falcon.Request) -> Caller:
        """The user of the request's token.

        Raises:
            Unauthenticated: there is no token, or it is invalid.
            IdentityUnavailable: Keystone does not answer.
        """
        response = _WsgiResponse()
        try:
            _consume(self._filter(req.env, response.start))
        except ClientException as error:
            LOG.error("Keystone is unavailable: %s", error)  # noqa: TRY400 - not a defect
            raise IdentityUnavailable from error
        if response.status == _INVALID:
            raise Unauthenticated(response.headers.get("www-authenticate", "Keystone"))
        if response.status != _VALID:
            raise IdentityUnavailable
        return _caller(req.env)


def _configuration(options: LibraryOptions) -> cfg.ConfigOpts:
    conf = options.load()
    for group, declared in auth_token.list_opts():
        conf.register_opts(declared, group=group)
    options.settle(conf, SECTION)
    conf.set_default("http_connect_timeout", CONNECT_TIMEOUT, group=SECTION)
    conf.set_default("service_type", SERVICE_TYPE, group=SECTION)
    conf.set_override("delay_auth_decision", override=False, group=SECTION)
    section = conf[SECTION].auth_section or SECTION
    if section != SECTION:
        conf.register_opts(auth_token.loading.get_auth_common_conf_options(), group=section)
    if not conf[section].auth_type:
        raise IdentityMisconfigured(
            f"[{section}] auth_type: must be set when [DEFAULT] enable_authentication is true"
        )
    return conf


class _WsgiResponse:
    """Status and headers of a WSGI application's response."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
        """WSGI's ``start_response``."""
        del exc_info
        self.status = int(status.partition(" ")[0])
        self.headers = {name.lower(): value for name, value in headers}
        return lambda _: None


def _accept(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The application behind the filter, called only with a valid token."""
    del environ
    start_response("204 No Content", [])
    return []


def _consume(answer: Iterable[bytes]) -> None:
    try:
        for _ in answer:
            pass
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def _caller(environ: dict[str, Any]) -> Caller:
    tokens = environ["keystone.token_auth"]
    user = cast("AccessInfo", tokens.user)
    ident = str(user.user_id)
    actor = Actor(ActorKind.USER, ident, user.username or ident, user.project_id)
    credentials: dict[str, Any] = {
        "user_id": user.user_id,
        "user_name": user.username,
        "user_domain_id": user.user_domain_id,
        "project_id": user.project_id,
        "project_name": user.project_name,
        "project_domain_id": user.project_domain_id,
        "domain_id": user.domain_id,
        "domain_name": user.domain_name,
        "system_scope": "all" if user.system_scoped else None,
        "is_admin_project": user.is_admin_project,
    }
    if tokens.has_service_token:
        service = cast("AccessInfo", tokens.service)
        credentials |= {
            "service_user_id": service.user_id,
            "service_user_domain_id": service.user_domain_id,
            "service_project_id": service.project_id,
            "service_project_domain_id": service.project_domain_id,
            "service_roles": _roles(service),
        }
    return Caller(actor, frozenset(_roles(user)), credentials)


def _roles(token: AccessInfo) -> list[str]:
    return [role.lower() for role in token.role_names or ()]
