"""The API's server: gunicorn, configured by values instead of files and command lines."""

import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from infrastructure.supervision import listening_socket
from interfaces.rest.app import App, create_app
from interfaces.rest.services import RestServices
from interfaces.rest.serving.client_connection import is_client_timeout
from interfaces.rest.serving.traffic import SharedMemory, Traffic
from interfaces.rest.serving.worker import CLIENT_TIMEOUT, TimeLimitedWorker

LOG = logging.getLogger("vigil.rest")

MAX_REQUEST_LINE = 8190
"""Bytes of a request line; gunicorn itself answers a longer one, with 414."""
SPARE_PARTS = 16
"""Parts of the shared memory beyond two for each worker (a reload has old and new ones)."""


Wrap = Callable[[WSGIApplication], WSGIApplication]
"""Puts an application into another one."""


@dataclass(frozen=True)
class ServerSettings:
    """Where and how the API is served.

    Attributes:
        port: 0 = any free one (``on_ready`` receives it).
        workers: processes.
        threads: requests that a process handles at once.
        timeout: seconds after which an unresponsive worker process is killed.
        client_timeout: seconds for which a thread waits for a client to send or receive data.
        keepalive: seconds for which an idle connection is kept. Longer than clients and proxies
            keep one (often 60): a request on a connection that the server closes just then fails.
        grace: seconds that running requests have to end when the server stops.
        certificate, key: PEM files; with both the server uses TLS.
        authorities: PEM file of CAs; with it, clients must present a certificate of one of them.
    """

    host: str = "127.0.0.1"
    port: int = 9322
    workers: int = 2
    threads: int = 8
    timeout: int = 60
    client_timeout: float = CLIENT_TIMEOUT
    keepalive: int = 75
    grace: int = 30
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


def serve(
    make_services: Callable[[], RestServices],
    settings: ServerSettings,
    on_ready: Callable[[str, int], None] | None = None,
    listener: socket.socket | None = None,
    wrap: Wrap = lambda app: app,
) -> int:
    """Serves the API until SIGTERM or SIGINT, then waits for running requests to end.

    Call it in the main thread of a process without connections: each worker process creates its
    own services after the fork.

    Args:
        make_services: creates the services of a worker process.
        settings: where and how.
        on_ready: called with host and port in the calling process once connections are accepted.
        listener: a socket that already listens, so that its owner can keep it over restarts of
            the API; by default one is created at the host and port of the settings.
        wrap: puts the application of a worker process into another one.

    Returns:
        The exit status for the calling process.
    """
    master = os.getpid()
    listener = listener or listening_socket(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    options = {
        "bind": f"fd://{listener.detach()}",
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_class": TimeLimitedWorker,
        "timeout": settings.timeout,
        "keepalive": settings.keepalive,
        "graceful_timeout": settings.grace,
        "logger_class": _Log,
        "limit_request_line": MAX_REQUEST_LINE,
        "reuse_port": False,
        "preload_app": False,
        "control_socket_disable": True,
        "proc_name": "vigil-api",
        "certfile": str(settings.certificate) if settings.certificate else None,
        "keyfile": str(settings.key) if settings.key else None,
        "ca_certs": str(settings.authorities) if settings.authorities else None,
        "cert_reqs": ssl.CERT_REQUIRED if settings.authorities else ssl.CERT_NONE,
        "forwarded_allow_ips": "",  # the API decides itself whether to trust a proxy
        "pre_fork": _assign_part,
        "post_fork": lambda _, worker: worker.app.set_worker(worker),
        "when_ready": lambda _: on_ready(host, port) if on_ready else None,
        "worker_exit": lambda _, worker: _close(worker),
    }
    try:
        _Application(make_services, options, settings.client_timeout, wrap).run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if os.getpid() != master:
            os._exit(status)  # in a worker the clean-up of the caller must not run
        if status == Arbiter.WORKER_BOOT_ERROR:
            LOG.error("the API ends: a worker process could not start, see the error above")  # noqa: TRY400
        return status
    return 0


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The WSGI application of a worker process and its services."""

    def __init__(
        self,
        make_services: Callable[[], RestServices],
        options: dict[str, Any],
        client_timeout: float,
        wrap: Wrap,
    ) -> None:
        self._make_services = make_services
        self._wrap = wrap
        self.client_timeout = client_timeout
        self._options = options
        self.services: RestServices | None = None
        self.memory = SharedMemory(2 * options["workers"] + SPARE_PARTS)
        self._worker: Any = None
        super().__init__()

    def load_config(self) -> None:
        """Sets the options; gunicorn's files and environment variables are not read."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serves until the process is stopped by a signal.

        Raises:
            SystemExit: always, with the status.
        """
        arbiter = Arbiter(self)
        try:
            arbiter.run()
        except HaltServer as halt:
            # a second worker failed while gunicorn stopped the others: it does not try again
            _stop(arbiter)
            raise SystemExit(halt.exit_status) from None

    def set_worker(self, worker: Any) -> None:
        """Sets the worker of this process."""
        self._worker = worker

    def load(self) -> WSGIApplication:
        """Creates the application; called in each worker process, after the fork.

        Raises:
            SystemExit: it cannot be created; the reason is logged.
        """
        try:
            return self._wrap(self._create())
        except Exception as error:
            detail = LOG.isEnabledFor(logging.DEBUG)
            kind = type(error).__name__
            LOG.error("the API cannot start: %s: %s", kind, error, exc_info=detail)  # noqa: TRY400
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error

    def _create(self) -> App:
        worker = self._worker
        traffic = Traffic() if worker.part is None else Traffic(self.memory, worker.part)
        self.services = replace(
            self._make_services(),
            traffic=traffic,
            stopping=lambda: not worker.alive or worker.ppid != os.getppid(),
        )
        return create_app(self.services)


def _stop(arbiter: Any) -> None:
    """Ends all workers. Each worker that had failed interrupts the loop once."""
    while True:
        try:
            arbiter.stop(graceful=False)
        except HaltServer:
            continue
        return


def _assign_part(server: Any, worker: Any) -> None:
    """Assigns a free part of the shared memory to a worker that is about to be forked."""
    used = {getattr(one, "part", None) for one in server.WORKERS.values()}
    parts = range(worker.app.memory.parts)
    worker.part = next((part for part in parts if part not in used), None)
    if worker.part is None:
        LOG.warning("too many workers: /metrics does not include the requests of one of them")


def _close(worker: Any) -> None:
    services = worker.app.services
    if services is not None:
        services.close()


class _Log(Logger):  # type: ignore[misc]
    """Sends gunicorn's messages to this process's logging."""

    def setup(self, cfg: Any) -> None:
        """Keeps the handlers, format and level of the process."""
        self.cfg = cfg
        self.error_log.propagate = True

    def exception(self, msg: str, *args: Any, **how: Any) -> None:
        """Logs an error with its traceback, but a client timeout as a warning."""
        if is_client_timeout(sys.exc_info()[1]):
            self.warning("a client was cut off: it sent or received nothing for too long")
        else:
            super().exception(msg, *args, **how)

    def access(self, *_: Any) -> None:
        """Logs nothing: RequestMiddleware writes the access log."""
