"""The API's server: gunicorn, told what to do by values instead of files and command lines."""

import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from infrastructure.supervision import listening
from interfaces.rest.app import App, create_app
from interfaces.rest.services import RestServices
from interfaces.rest.serving.traffic import SharedMemory, Traffic
from interfaces.rest.serving.worker import PATIENCE, PatientWorker, ran_out_of_patience

LOG = logging.getLogger("vigil.rest")

LONGEST_LINE = 8190
"""Bytes of the longest request line; gunicorn itself answers a longer one, with 414."""
SPARE = 16
"""Workers beyond twice the wanted ones (a reload has both) whose requests can be counted."""


@dataclass(frozen=True)
class ServerSettings:
    """Where and how the API is served.

    Attributes:
        port: 0 = any free one (``on_ready`` tells which).
        workers: processes.
        threads: requests that a process handles at once.
        timeout: seconds after which a worker process that shows no life is killed.
        patience: seconds for which a client may send or take nothing while a thread waits for it.
        grace: seconds that requests have to end when the server is told to stop.
        certificate, key: PEM files; with both the server speaks TLS.
        authorities: PEM file; with it, clients must show a certificate that one of these signed.
    """

    host: str = "127.0.0.1"
    port: int = 9322
    workers: int = 2
    threads: int = 8
    timeout: int = 60
    patience: float = PATIENCE
    grace: int = 30
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


def serve(
    make_services: Callable[[], RestServices],
    settings: ServerSettings,
    on_ready: Callable[[str, int], None] | None = None,
    listener: socket.socket | None = None,
) -> int:
    """Serves the API until SIGTERM or SIGINT; then lets running requests end.

    To be called in the main thread of a process that has no connections yet: what the API needs
    is made in each worker process, after the fork.

    Args:
        make_services: makes what a worker process needs.
        settings: where and how.
        on_ready: called with host and port in the calling process once connections are accepted.
        listener: a socket that listens already, for its owner to keep while the API comes and
            goes; by default one is made at the host and port of the settings.

    Returns:
        The exit status for the calling process.
    """
    master = os.getpid()
    listener = listener or _listening(settings)
    host, port = listener.getsockname()[:2]
    options = {
        "bind": f"fd://{listener.detach()}",
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_class": PatientWorker,
        "timeout": settings.timeout,
        "graceful_timeout": settings.grace,
        "logger_class": _Log,
        "limit_request_line": LONGEST_LINE,
        "reuse_port": False,
        "preload_app": False,
        "control_socket_disable": True,
        "proc_name": "vigil-api",
        "certfile": str(settings.certificate) if settings.certificate else None,
        "keyfile": str(settings.key) if settings.key else None,
        "ca_certs": str(settings.authorities) if settings.authorities else None,
        "cert_reqs": ssl.CERT_REQUIRED if settings.authorities else ssl.CERT_NONE,
        "forwarded_allow_ips": "",  # whether a proxy is believed is the API's own setting
        "pre_fork": _place,
        "post_fork": lambda _, worker: worker.app.begin(worker),
        "when_ready": lambda _: on_ready(host, port) if on_ready else None,
        "worker_exit": lambda _, worker: _close(worker),
    }
    try:
        _Application(make_services, options, settings.patience).run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if os.getpid() != master:
            os._exit(status)  # a worker: what the caller still has to tidy up is not its business
        if status == Arbiter.WORKER_BOOT_ERROR:
            LOG.error("the API ends: a worker process could not start; why is told above")  # noqa: TRY400
        return status
    return 0


def _listening(settings: ServerSettings) -> socket.socket:
    """A listening socket; made here, so that the port is known and a clash is told at once."""
    try:
        return listening(settings.host, settings.port)
    except OSError as error:
        error.add_note(f"The API cannot listen at {settings.host}:{settings.port}.")
        raise


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The WSGI application of a worker process, with what it holds."""

    def __init__(
        self, make_services: Callable[[], RestServices], options: dict[str, Any], patience: float
    ) -> None:
        self._make_services = make_services
        self.patience = patience
        self._options = options
        self.services: RestServices | None = None
        self.memory = SharedMemory(2 * options["workers"] + SPARE)
        self._worker: Any = None
        super().__init__()

    def load_config(self) -> None:
        """Takes the options as they are; neither files nor the environment have a say."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serves until told to stop.

        Raises:
            SystemExit: always, with the status.
        """
        arbiter = Arbiter(self)
        try:
            arbiter.run()
        except HaltServer as halt:
            # While it stopped its workers another one failed, and gunicorn left it at that.
            _stop(arbiter)
            raise SystemExit(halt.exit_status) from None

    def begin(self, worker: Any) -> None:
        """Notes which worker this process is."""
        self._worker = worker

    def load(self) -> App:
        """Makes the application; called in each worker process, after the fork.

        Raises:
            SystemExit: it cannot be made; the reason has been told.
        """
        try:
            return self._made()
        except Exception as error:
            detail = LOG.isEnabledFor(logging.DEBUG)
            kind = type(error).__name__
            LOG.error("the API cannot start: %s: %s", kind, error, exc_info=detail)  # noqa: TRY400
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error

    def _made(self) -> App:
        worker = self._worker
        traffic = Traffic() if worker.place is None else Traffic(self.memory, worker.place)
        self.services = replace(
            self._make_services(),
            traffic=traffic,
            stopping=lambda: not worker.alive or worker.ppid != os.getppid(),
        )
        return create_app(self.services)


def _stop(arbiter: Any) -> None:
    """Ends all workers. Each one that had failed interrupts that once."""
    while True:
        try:
            arbiter.stop(graceful=False)
        except HaltServer:
            continue
        return


def _place(server: Any, worker: Any) -> None:
    """Gives a worker, before it is forked, a part of the shared memory that no other one has."""
    taken = {getattr(one, "place", None) for one in server.WORKERS.values()}
    parts = range(worker.app.memory.parts)
    worker.place = next((part for part in parts if part not in taken), None)
    if worker.place is None:
        LOG.warning("more workers than can count together: /metrics lacks one of them")


def _close(worker: Any) -> None:
    services = worker.app.services
    if services is not None:
        services.close()


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's messages, through this process's logging; the access log is the API's own."""

    def setup(self, cfg: Any) -> None:
        """Leaves handlers, format and level to whoever set up logging."""
        self.cfg = cfg
        self.error_log.propagate = True

    def exception(self, msg: str, *args: Any, **how: Any) -> None:
        """An error with its traceback; a client that takes too long is none of ours."""
        if ran_out_of_patience(sys.exc_info()[1]):
            self.warning("a client was cut off: nothing came from it, or was taken, for too long")
        else:
            super().exception(msg, *args, **how)

    def access(self, *_: Any) -> None:
        """The API writes its own."""
