"""What an operator may choose about NATS."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SUBJECT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class NatsConnectionSettings:
    """How to reach NATS. At most one way to authenticate should be given.

    Attributes:
        servers: URLs (``nats://host:port`` or ``tls://host:port``).
        token: shared secret.
        token_file: file that holds it; read at each connect, so that it can be replaced.
        user, password: a plain account.
        credentials_file: NATS ``.creds`` file (JWT and seed).
        tls_ca, tls_cert, tls_key: PEM files; the latter two for a client certificate.
        connect_timeout, request_timeout: seconds for one attempt, for one answer.
        reconnect_wait: seconds between two attempts at the same server. There is no last attempt.
        ping_interval: seconds; a server silent for three of them is left.
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
        """Whether a token is the way to authenticate."""
        return self.token is not None or self.token_file is not None

    def read_token(self) -> str:
        """The token, wherever it lies.

        Raises:
            OSError: its file cannot be read.
        """
        if self.token_file is not None:
            return self.token_file.read_text(encoding="utf-8").strip()
        return self.token or ""

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context that the files ask for, None if none is named."""
        if self.tls_ca is None and self.tls_cert is None:
            return None
        context = ssl.create_default_context(cafile=self.tls_ca)
        if self.tls_cert is not None:
            context.load_cert_chain(self.tls_cert, self.tls_key)
        return context


@dataclass(frozen=True)
class HintStreamSettings:
    """The stream that carries hints.

    There is no maximal age: the newest message is the relay's own bookmark and must not expire.
    The oldest messages go when a limit is reached; nothing is lost by that, for the log is the
    truth and workers sweep.

    Attributes:
        name: of the stream.
        prefix: subjects are ``<prefix>.<event topic>``.
        max_messages: how many hints are kept.
        max_bytes: how much room they may take, bytes.
        replicas: copies in a cluster.
        horizon: how many positions before the log's end are published again into an empty stream.
        duplicate_window: seconds in which the server drops a message id that it knows.
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
        """Where hints about a topic go.

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


@dataclass(frozen=True)
class ConsumerSettings:
    """How hints are handed to a worker.

    Attributes:
        slots: hints handled at once by one process.
        ack_wait: seconds without a sign of life after which a hint goes to another process.
        heartbeat: seconds between signs of life while a handler works.
        max_pending: hints that all processes together may hold or have deferred.
        retry_first, retry_longest: seconds before the first repetition after an error; the longest
            wait that doubling leads to.
        give_up_after: deliveries after which a failing hint is given up and reported.
        patience: seconds that running handlers get to finish when consumption is cancelled.
    """

    slots: int = 4
    ack_wait: float = 30.0
    heartbeat: float = 10.0
    max_pending: int = 10_000
    retry_first: float = 1.0
    retry_longest: float = 300.0
    give_up_after: int = 20
    patience: float = 30.0

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise ValueError("A consumer needs a slot.")
        if not 0 < self.heartbeat < self.ack_wait:
            raise ValueError("Signs of life must be more frequent than the acknowledgement wait.")

    def delay(self, deliveries: int) -> float:
        """Seconds to wait after a hint failed for the n-th time."""
        doublings = min(deliveries - 1, 32)
        return min(self.retry_first * float(2**doublings), self.retry_longest)


__all__ = ["ConsumerSettings", "HintStreamSettings", "NatsConnectionSettings"]
