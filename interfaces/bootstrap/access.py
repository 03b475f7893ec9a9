"""Access to the API: authentication, policy, TLS, and the log lines about them."""

import logging
import ssl
from dataclasses import replace

from infrastructure.settings import Settings, SettingsError, library_options
from infrastructure.web_pages import PageGuard, is_loopback
from interfaces.rest.auth import Identity, NoAuth
from interfaces.rest.policy import PolicyEnforcer, PolicyUnusable
from interfaces.rest.serving.server import ServerSettings, Wrap

LOG = logging.getLogger("vigil.access")


def policy(settings: Settings) -> PolicyEnforcer:
    """The policy in force.

    Raises:
        SettingsError: a policy file cannot be used.
    """
    try:
        return PolicyEnforcer(library_options(settings))
    except PolicyUnusable as error:
        raise SettingsError(str(error)) from error


def identity(settings: Settings) -> Identity:
    """Authenticates callers.

    Raises:
        SettingsError: the settings are inconsistent.
    """
    if not settings.api.enable_authentication:
        return NoAuth()
    # Only here: without authentication keystonemiddleware need not be in memory.
    from interfaces.rest.keystone import IdentityMisconfigured, KeystoneIdentity  # noqa: PLC0415

    try:
        return KeystoneIdentity(library_options(settings))
    except IdentityMisconfigured as error:
        raise SettingsError(str(error)) from error


def page_guard(settings: Settings) -> PageGuard | None:
    """Which web pages may send requests that need no token; None: requests need one."""
    api = settings.api
    if api.enable_authentication:
        return None
    names = {name.lower() for name in (*api.allowed_hosts, api.host)}
    return PageGuard(
        hosts=frozenset(names),
        origins=frozenset(settings.access.allowed_origin),
        addresses=not is_loopback(api.host),
    )


def cors(settings: Settings) -> Wrap:
    """Adds CORS headers for the allowed origins; nothing without one."""
    if not settings.access.allowed_origin:
        return lambda app: app
    # Only here: without origins oslo.middleware need not be in memory.
    from interfaces.rest.serving.cors import with_cors  # noqa: PLC0415

    options = library_options(settings)
    return lambda app: with_cors(app, options)


def server_settings(settings: Settings) -> ServerSettings:
    """Address, threads and certificate of the server.

    Raises:
        SettingsError: the certificate cannot be used.
    """
    api, access = settings.api, settings.access
    plain = ServerSettings(
        host=api.host,
        port=api.port,
        workers=api.workers,
        threads=api.threads,
        client_timeout=api.client_timeout,
        keepalive=api.keepalive,
    )
    if not api.enable_ssl_api:
        return plain
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=access.ca_file)
        context.load_cert_chain(str(access.cert_file), access.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"[ssl] cert_file ({access.cert_file}), key_file ({access.key_file}), "
            f"ca_file ({access.ca_file}): {error}"
        ) from error
    return replace(
        plain, certificate=access.cert_file, key=access.key_file, authorities=access.ca_file
    )


def announce(settings: Settings) -> None:
    """Checks the access settings before a worker process starts, and logs them.

    Raises:
        SettingsError: the settings are inconsistent.
    """
    who = identity(settings)
    for line in who.unused:
        LOG.warning("%s", line)
    problem = who.problem()
    if problem is not None:
        LOG.error("%s: until that changes, every request with a token is answered 503", problem)
    source = policy(settings).source
    LOG.info("policy: %s", source or "the built-in defaults, no file overrides them")
    if settings.api.authentication_warning is not None:
        LOG.warning("%s", settings.api.authentication_warning)
    if not settings.api.enable_webhooks_auth:
        LOG.warning(
            "webhooks trigger EVENT audits without a token ([api] enable_webhooks_auth = false)"
        )
