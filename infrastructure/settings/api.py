"""How the REST API is served, and who may call it.

``[keystone_authtoken]``, ``[oslo_policy]`` and ``[cors]`` have more options than these:
keystonemiddleware, oslo.policy and oslo.middleware read the same files (``libraries.py``).
"""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

from dataclasses import dataclass
from pathlib import Path

from infrastructure.settings.option_types import (
    BOOLEAN,
    FILE,
    HOST,
    NAMES,
    ORIGINS,
    PORT,
    Float,
    Integer,
    text,
)
from infrastructure.settings.options import Derived, Named, option
from infrastructure.web_pages import is_loopback

API_PORT = 9322
LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True)
class EventStreamSettings:
    """Event streams of the REST API (docs/api.md, "Following")."""

    limit: int = option(
        "vigil.event_streams",
        Integer(1, 255),
        4,
        "Most event streams that one API process serves at the same time. Each stream occupies a "
        "thread, so the number must be less than api_threads.",
    )
    seconds: float = option(
        "vigil.event_stream_seconds",
        Float(1.0, 86400.0),
        3600.0,
        "Seconds after which the server ends a stream. The client connects again, and its token is "
        "validated again.",
    )
    heartbeat: float = option(
        "vigil.event_stream_heartbeat",
        Float(1.0, 600.0),
        15.0,
        "Seconds without an event after which the server sends a heartbeat. Set it lower than the "
        "idle timeout of the proxies between server and client.",
    )
    client_timeout: float = option(
        "vigil.event_stream_patience",
        Float(1.0, 3600.0),
        30.0,
        "Seconds after which a stream is closed if its client reads nothing of what was sent.",
    )


def _authenticated(values: Named) -> bool:
    credentials = (
        values["keystone_authtoken", "auth_type"] or values["keystone_authtoken", "auth_section"]
    )
    proxied = values["oslo_middleware", "enable_proxy_headers_parsing"]
    return bool(credentials or proxied or not is_loopback(values["api", "host"]))


@dataclass(frozen=True)
class ApiSettings:
    """The REST API."""

    host: str = option("api.host", HOST, "127.0.0.1", "Address to listen on.")
    port: int = option("api.port", PORT, API_PORT, "Port to listen on.")
    workers: int = option("api.workers", Integer(1, 64), 2, "Number of API processes.")
    threads: int = option(
        "vigil.api_threads", Integer(2, 256), 8, "Requests that one API process handles at once."
    )
    client_timeout: float = option(
        "vigil.api_patience",
        Float(1.0, 3600.0),
        60.0,
        "Seconds after which a connection is closed if its client stops sending in the middle of a "
        "request, or does not read the response.",
    )
    keepalive: int = option(
        "vigil.api_keepalive",
        Integer(1, 3600),
        75,
        "Seconds for which an idle connection is kept open. Set it higher than the time for which "
        "the proxies in front of the API keep theirs, or some of their requests fail.",
    )
    max_limit: int = option("api.max_limit", Integer(1), 1000, "Most items in one page of a list.")
    enable_authentication: bool = option(
        "DEFAULT.enable_authentication",
        BOOLEAN,
        Derived(
            "true, unless [api] host is a loopback address, no proxy is configured "
            "([oslo_middleware] enable_proxy_headers_parsing), and [keystone_authtoken] has no "
            "credentials",
            _authenticated,
        ),
        "Whether requests need a Keystone token (docs/authentication.md). If false, every client "
        "that can connect is an administrator.",
    )
    allow_unauthenticated: bool = option(
        "vigil.allow_unauthenticated",
        BOOLEAN,
        default=False,
        help="Permits enable_authentication = false on an address that other machines can reach.",
    )
    allowed_hosts: tuple[str, ...] = option(
        "vigil.allowed_hosts",
        NAMES,
        (),
        "Further names under which clients may address the API while requests need no token. "
        "Without a token only the names of this machine's loopback are accepted, so that no web "
        "page can send requests under a name that it points here (DNS rebinding).",
    )
    enable_webhooks_auth: bool = option(
        "api.enable_webhooks_auth",
        BOOLEAN,
        default=True,
        help="Whether webhooks need a token and the policy rule webhook:trigger. If false, any "
        "client can trigger EVENT audits.",
    )
    enable_ssl_api: bool = option(
        "api.enable_ssl_api", BOOLEAN, default=False, help="Serves HTTPS, as configured in [ssl]."
    )
    read_your_writes_timeout: float = option(
        "vigil.read_your_writes_timeout",
        Float(0.0, 60.0),
        5.0,
        "Most seconds that a response waits until the read models contain what its request wrote.",
    )

    @property
    def authentication_warning(self) -> str | None:
        """The warning to log if requests need no token; None if they need one."""
        if self.enable_authentication:
            return None
        return (
            f"NO AUTHENTICATION: every client that can connect to {self.url} is an administrator "
            "([DEFAULT] enable_authentication = false)"
        )

    @property
    def url(self) -> str:
        """The URL of the API for clients on this machine."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - not bound, translated
        host = anywhere.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.enable_ssl_api else 'http'}://{host}:{self.port}"


@dataclass(frozen=True)
class AccessSettings:
    """Authentication, policy, proxies and TLS."""

    auth_type: str | None = option(
        "keystone_authtoken.auth_type",
        text("the name of a keystoneauth plug-in"),
        None,
        "The keystoneauth plug-in with which Vigil authenticates to Keystone to validate tokens: "
        "`password`, `v3applicationcredential`, … The section may contain every option of "
        "keystonemiddleware's auth_token.",
    )
    auth_section: str | None = option(
        "keystone_authtoken.auth_section",
        text("the name of a section"),
        None,
        "The section with auth_type and the credentials, if it is not this one.",
    )
    policy_file: str = option(
        "oslo_policy.policy_file",
        text("a path"),
        "policy.yaml",
        "File with overrides of policy rules. A relative path is searched in the directories of "
        "the configuration files, then in `~/.vigil`, `~`, `/etc/vigil` and `/etc`. The file is "
        "read again when it changes.",
    )
    max_request_body_size: int = option(
        "oslo_middleware.max_request_body_size",
        Integer(1024),
        LARGEST_BODY,
        "Largest accepted request body in bytes. A larger one is answered with status 413.",
    )
    enable_proxy_headers_parsing: bool = option(
        "oslo_middleware.enable_proxy_headers_parsing",
        BOOLEAN,
        default=False,
        help="Whether to trust the headers of a proxy: Forwarded and X-Forwarded-* (Proto, Host, "
        "and Prefix, a path that the proxy removed) determine the links in responses. Enable it "
        "only behind a proxy that removes these headers from client requests.",
    )
    allowed_origin: tuple[str, ...] = option(
        "cors.allowed_origin",
        ORIGINS,
        (),
        "Origins (scheme://host[:port]) whose web pages may use the API. Not set: no CORS headers "
        "are sent. The section may contain every option of oslo.middleware's cors.",
    )
    cert_file: Path | None = option(
        "ssl.cert_file", FILE, None, "PEM file with the server's certificate and its chain."
    )
    key_file: Path | None = option(
        "ssl.key_file", FILE, None, "PEM file with the certificate's private key."
    )
    ca_file: Path | None = option(
        "ssl.ca_file",
        FILE,
        None,
        "PEM file with certificate authorities. If set, clients must present a certificate signed "
        "by one of them.",
    )

    @property
    def names_credentials(self) -> bool:
        """Whether Vigil's own credentials for Keystone are configured."""
        return self.auth_type is not None or self.auth_section is not None
