"""Settings of NATS: the connection, the stream of hints."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from infrastructure.text_files import read_text

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SUBJECT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class NatsConnectionSettings:
    """How to reach NATS. At most one way to authenticate is allowed.

    Attributes:
        servers: URLs (``nats://host:port`` or ``tls://host:port``).
        token: shared secret.
        token_file: file that holds it; read at each connect, so that the token can be replaced.
        user, password: a plain account.
        credentials_file: NATS ``.creds`` file (JWT and seed).
        tls_ca, tls_cert, tls_key: PEM files; the latter two for a client certificate.
        connect_timeout, request_timeout: seconds for one attempt, for one response.
        reconnect_wait: seconds between two attempts at the same server. They do not end.
        ping_interval: seconds; after three of them without a response the client reconnects.
    """

    servers: tuple[str, ...]
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials_file: Path | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    connect_timeout: float = 2.0
    request_timeout: float = 3.0
    reconnect_wait: float = 0.25
    ping_interval: float = 10.0

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("No NATS server is named.")
        if any("@" in server for server in self.servers):
            raise ValueError("NATS: credentials do not belong in the server's URL.")
        ways = (self.token, self.token_file, self.user, self.credentials_file)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("NATS: give one of token, token file, user and credentials file.")
        if (self.user is None) != (self.password is None):
            raise ValueError("NATS: a user needs a password, and a password a user.")

    def has_token(self) -> bool:
        """Whether the client authenticates with a token."""
        return self.token is not None or self.token_file is not None

    def read_token(self) -> str:
        """The token, given or from its file.

        Raises:
            OSError: its file cannot be read.
            NotText: its file is no text.
        """
        if self.token_file is not None:
            return read_text(self.token_file).strip()
        return self.token or ""

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context with the given files, None if there are none."""
        if self.tls_ca is None and self.tls_cert is None:
            return None
        context = ssl.create_default_context(cafile=self.tls_ca)
        if self.tls_cert is not None:
            context.load_cert_chain(self.tls_cert, self.tls_key)
        return context


@dataclass(frozen=True)
class HintStreamSettings:
    """The stream that carries hints.

    There is no maximum age: the newest message marks how far the relays have published and must not
    expire. The oldest messages are deleted at a limit. That loses no work: workers also sweep the
    read models.

    Attributes:
        name: of the stream.
        prefix: subjects are ``<prefix>.<event topic>``.
        max_messages: limit of the stream.
        max_bytes: limit of the stream, bytes.
        replicas: copies in a cluster.
        horizon: number of positions before the end of the log that are published again into an
            empty stream.
        duplicate_window: seconds in which the server drops a repeated message id.
    """

    name: str = "VIGIL"
    prefix: str = "vigil.events"
    max_messages: int = 100_000
    max_bytes: int = 256 * 1024 * 1024
    replicas: int = 1
    horizon: int = 10_000
    duplicate_window: float = 120.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a stream.")
        if not _SUBJECT.fullmatch(self.prefix):
            raise ValueError(f"{self.prefix!r} cannot begin a subject.")

    def subject(self, topic: str) -> str:
        """The subject of the hints about a topic.

        Raises:
            ValueError: the topic cannot be part of a subject.
        """
        if not _SUBJECT.fullmatch(topic):
            raise ValueError(f"{topic!r} cannot be part of a subject.")
        return f"{self.prefix}.{topic}"

    @property
    def subjects(self) -> str:
        """All subjects of the stream."""
        return f"{self.prefix}.>"


__all__ = ["HintStreamSettings", "NatsConnectionSettings"]
