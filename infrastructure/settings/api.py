"""Where and how the REST API is served."""

from dataclasses import dataclass
from ipaddress import ip_address

from infrastructure.settings.kinds import Flag, Integer, Number, Text
from infrastructure.settings.options import Derived, Named, option

API_PORT = 9322


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class EventStreamSettings:
    """Event streams of the REST API (docs/api.md, "Following")."""

    limit: int = option(
        "vigil.event_streams",
        Integer(1, 255),
        4,
        "Event streams that one process of the API serves at once. Each holds a thread for as long "
        "as it lasts, so it must be less than api_threads.",
    )
    seconds: float = option(
        "vigil.event_stream_seconds",
        Number(1.0, 86400.0),
        3600.0,
        "Seconds that a stream lasts; then the client comes again, and its token is checked anew.",
    )
    heartbeat: float = option(
        "vigil.event_stream_heartbeat",
        Number(1.0, 600.0),
        15.0,
        "Seconds of silence after which a stream says that it is alive; less than what proxies on "
        "the way take for a dead connection.",
    )
    patience: float = option(
        "vigil.event_stream_patience",
        Number(1.0, 3600.0),
        30.0,
        "Seconds for which a stream's client may take nothing of what was written to it; then the "
        "connection is cut and its place is free.",
    )


def _authenticated(values: Named) -> bool:
    told = values["keystone_authtoken", "auth_type"] or values["keystone_authtoken", "auth_section"]
    proxied = values["oslo_middleware", "enable_proxy_headers_parsing"]
    return bool(told or proxied or not is_loopback(values["api", "host"]))


@dataclass(frozen=True)
class ApiSettings:
    """The REST API."""

    host: str = option("api.host", Text("an address"), "127.0.0.1", "Address to listen on.")
    port: int = option("api.port", Integer(1, 65535), API_PORT, "Port to listen on.")
    workers: int = option("api.workers", Integer(1, 64), 2, "Processes that serve requests.")
    threads: int = option(
        "vigil.api_threads",
        Integer(2, 256),
        8,
        "Requests that one of these processes handles at once.",
    )
    patience: float = option(
        "vigil.api_patience",
        Number(1.0, 3600.0),
        60.0,
        "Seconds for which a client may send nothing in the middle of a request, or take nothing "
        "of its answer; then its connection is cut, and its thread is free for others.",
    )
    max_limit: int = option("api.max_limit", Integer(1), 1000, "Most items in one page of a list.")
    enable_authentication: bool = option(
        "DEFAULT.enable_authentication",
        Flag(),
        Derived(
            "true, unless [api] host is a loopback address, no proxy is said to be in front of it, "
            "and [keystone_authtoken] does not say how Vigil authenticates itself",
            _authenticated,
        ),
        "Whether requests need a Keystone token (docs/authentication.md). Without, whoever reaches "
        "the API is an administrator.",
    )
    allow_unauthenticated: bool = option(
        "vigil.allow_unauthenticated",
        Flag(),
        default=False,
        help="Permits enable_authentication = false on an address that others can reach.",
    )
    enable_webhooks_auth: bool = option(
        "api.enable_webhooks_auth",
        Flag(),
        default=True,
        help="Whether webhooks need a token and the rule webhook:trigger; "
        "false lets anybody trigger EVENT audits.",
    )
    enable_ssl_api: bool = option(
        "api.enable_ssl_api",
        Flag(),
        default=False,
        help="Serves https with the certificate of [ssl].",
    )
    read_your_writes_timeout: float = option(
        "vigil.read_your_writes_timeout",
        Number(0.0, 60.0),
        5.0,
        "Seconds that a response waits until the read models show what the request wrote.",
    )

    @property
    def open_door(self) -> str | None:
        """What must be said aloud when requests need no token; None when they do."""
        if self.enable_authentication:
            return None
        return (
            f"NO AUTHENTICATION: whoever reaches {self.url} is an administrator here "
            "([DEFAULT] enable_authentication = false)"
        )

    @property
    def url(self) -> str:
        """Where it answers, as seen from this machine."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - not bound, translated
        host = anywhere.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.enable_ssl_api else 'http'}://{host}:{self.port}"
