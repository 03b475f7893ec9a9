"""Validates tokens with Keystone, through keystonemiddleware's auth_token.

The filter is a WSGI application. It wraps a small inner application instead of the whole API, so
that public routes are declared in one place (the route table), and a refused request is logged,
counted and answered like every other one.
"""

import logging
import sys
import threading
import time
from collections.abc import Iterable
from importlib.util import find_spec
from math import inf
from typing import Any, cast

import falcon
from keystoneauth1 import loading
from keystoneauth1.access import AccessInfo
from keystoneauth1.exceptions import ClientException, Unauthorized
from keystoneauth1.plugin import BaseAuthPlugin
from keystonemiddleware import auth_token
from keystonemiddleware.exceptions import ConfigurationError
from oslo_config import cfg

from application.kernel.outage_log import OutageLog
from domain.kernel.metadata import Actor, ActorKind
from infrastructure.settings import LibraryOptions
from interfaces.rest.auth import Caller
from interfaces.rest.errors import IdentityUnavailable, Unauthenticated

LOG = logging.getLogger("vigil.identity")

SECTION = "keystone_authtoken"
SERVICE_TYPE = "infra-optim"
CONNECT_TIMEOUT = 5
"""Default of http_connect_timeout, the seconds for one request to Keystone."""

REFUSED = f"Keystone refuses Vigil's own credentials ([{SECTION}])"
AWAY = "Keystone does not answer"
TRIAL_INTERVAL = 30.0
"""Seconds between two trials of Vigil's own credentials, however often their state is asked for."""

_VALID = 204
_INVALID = 401


class IdentityMisconfigured(Exception):
    """``[keystone_authtoken]`` is incomplete or invalid."""


_UNUSABLE = (cfg.Error, ClientException, ConfigurationError, ValueError, ImportError)
"""What the libraries raise for a section that they cannot use."""


class KeystoneIdentity:
    """Validates tokens and returns their users.

    Attributes:
        unused: for the log: the names in the section that are not options, a line for each file.

    Args:
        options: source of the section ``[keystone_authtoken]``.

    Raises:
        IdentityMisconfigured: the section is not usable. No request is sent to Keystone yet.
    """

    def __init__(self, options: LibraryOptions) -> None:
        # The cache's library loads eventlet if it is installed, and works without it; eventlet
        # does not work with threads and forks.
        sys.modules.setdefault("eventlet", cast("Any", None))
        try:
            conf = _configuration(options)
            self._filter = auth_token.AuthProtocol(_accept, {"oslo_config_config": conf})
            self._credentials = _Credentials(conf)
            self.unused = tuple(options.unknown(SECTION, _option_names(conf)))
        except _UNUSABLE as error:
            raise IdentityMisconfigured(f"[{SECTION}]: {error}") from error
        self._outage = OutageLog(LOG, "no token can be validated", time.monotonic)

    def problem(self) -> str | None:
        """Why no token can be validated now, None if tokens can be."""
        return self._credentials.problem()

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
            self._outage.failed(error)
            raise IdentityUnavailable from error
        if response.status == _INVALID:
            raise Unauthenticated(response.headers.get("www-authenticate", "Keystone"))
        if response.status != _VALID:
            self._outage.failed(Exception(self.problem() or "see the messages of the library"))
            raise IdentityUnavailable
        self._outage.over()
        return _caller(req.env)


def _configuration(options: LibraryOptions) -> cfg.ConfigOpts:
    conf = options.load()
    for group, declared in auth_token.list_opts():
        conf.register_opts(declared, group=group)
    options.settle(conf, SECTION)
    conf.set_default("http_connect_timeout", CONNECT_TIMEOUT, group=SECTION)
    conf.set_default("service_type", SERVICE_TYPE, group=SECTION)
    conf.set_override("delay_auth_decision", override=False, group=SECTION)
    section = _section(conf)
    if section != SECTION:
        conf.register_opts(auth_token.loading.get_auth_common_conf_options(), group=section)
    _check_cache(conf)
    if not conf[section].auth_type:
        raise IdentityMisconfigured(
            f"[{section}] auth_type: must be set when [DEFAULT] enable_authentication is true"
        )
    return conf


def _section(conf: cfg.ConfigOpts) -> str:
    """The section with Vigil's own credentials."""
    return str(conf[SECTION].auth_section or SECTION)


def _option_names(conf: cfg.ConfigOpts) -> frozenset[str]:
    """The options that the section may contain: the library's, and those of its plug-in."""
    declared = [one for _, group in auth_token.list_opts() for one in group]
    if _section(conf) == SECTION:
        declared += loading.get_auth_plugin_conf_options(conf[SECTION].auth_type)
    older = (each.name for one in declared for each in one.deprecated_opts)
    names = (*(one.dest for one in declared), *(name for name in older if name))
    return frozenset(name.replace("-", "_") for name in names)


def _check_cache(conf: cfg.ConfigOpts) -> None:
    """Checks that the client of memcached is there; the library loads it with the first token."""
    chosen = conf[SECTION]
    if chosen.memcached_servers and chosen.memcache_sasl_enabled and not find_spec("bmemcached"):
        raise IdentityMisconfigured(
            f"[{SECTION}] memcache_sasl_enabled: needs the package python-binary-memcached, "
            "which is not installed"
        )


class _Credentials:
    """Vigil's own credentials for Keystone.

    Args:
        conf: with the section ``[keystone_authtoken]``.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        chosen = conf[SECTION]
        auth = loading.load_auth_from_conf_options(conf, _section(conf))
        self._auth = cast("BaseAuthPlugin", auth)  # auth_type is set
        self._session = loading.session.Session().load_from_options(
            cert=chosen.certfile,
            key=chosen.keyfile,
            cacert=chosen.cafile,
            insecure=chosen.insecure,
            timeout=chosen.http_connect_timeout,
        )
        self._lock = threading.Lock()
        self._tried = -inf
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Why Keystone gives no token for them; tries again after ``TRIAL_INTERVAL``."""
        if self._lock.acquire(blocking=self._tried < 0):  # one thread tries, the others go on
            try:
                if time.monotonic() - self._tried >= TRIAL_INTERVAL:
                    self._problem = self._try()
                    self._tried = time.monotonic()
            finally:
                self._lock.release()
        return self._problem

    def _try(self) -> str | None:
        try:
            self._auth.invalidate()
            self._session.get_token(self._auth)
        except Unauthorized:
            return REFUSED
        except ClientException as error:
            LOG.warning("%s: %s", AWAY, error)
            return AWAY
        return None


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
