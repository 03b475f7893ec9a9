"""Who may call the API: the identity source, the policy, and what operators are told of both."""

import logging
import ssl
from dataclasses import replace

from infrastructure.settings import Settings, SettingsError, library_options
from interfaces.rest.auth import Authorizer, NoAuth
from interfaces.rest.policy import Identity, PolicyAuthorizer, PolicyEnforcer, PolicyUnusable
from interfaces.rest.serving.server import ServerSettings

LOG = logging.getLogger("vigil.access")


def authorizer(settings: Settings) -> Authorizer:
    """Identifies callers and applies the policy, as the settings say.

    Raises:
        SettingsError: they do not hold together.
    """
    return PolicyAuthorizer(_identity(settings), policy(settings))


def policy(settings: Settings) -> PolicyEnforcer:
    """The policy in force.

    Raises:
        SettingsError: a policy file cannot be used.
    """
    try:
        return PolicyEnforcer(library_options(settings))
    except PolicyUnusable as error:
        raise SettingsError(str(error)) from error


def _identity(settings: Settings) -> Identity:
    if not settings.api.enable_authentication:
        return NoAuth()
    # Only here: a process that asks Keystone nothing need not hold keystonemiddleware in memory.
    from interfaces.rest.keystone import IdentityMisconfigured, KeystoneIdentity  # noqa: PLC0415

    try:
        return KeystoneIdentity(library_options(settings))
    except IdentityMisconfigured as error:
        raise SettingsError(str(error)) from error


def server_settings(settings: Settings) -> ServerSettings:
    """Where and how the API is served.

    Raises:
        SettingsError: the certificate cannot be used.
    """
    api, access = settings.api, settings.access
    plain = ServerSettings(
        host=api.host,
        port=api.port,
        workers=api.workers,
        threads=api.threads,
        patience=api.patience,
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
    """Checks, before a worker process exists, what decides about access; and says how it stands.

    Raises:
        SettingsError: it does not hold together.
    """
    _identity(settings)
    source = policy(settings).source
    LOG.info("policy: %s", source or "the built-in defaults, no file overrides them")
    if settings.api.open_door is not None:
        LOG.warning("%s", settings.api.open_door)
    if not settings.api.enable_webhooks_auth:
        LOG.warning(
            "anybody can trigger EVENT audits by a webhook ([api] enable_webhooks_auth = false)"
        )
