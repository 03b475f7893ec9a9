"""Runs one simulated cloud until it is stopped."""

import signal
import socket
import threading
from collections.abc import Callable

from infrastructure.signals import handled_signals
from infrastructure.simulator.app import make_app
from infrastructure.simulator.cloud import open_cloud
from infrastructure.simulator.core.config import SimulatorConfig
from infrastructure.simulator.core.http.server import HttpServer
from infrastructure.supervision import listening_socket
from infrastructure.web_pages import PageGuard, is_loopback

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Simulator:
    """A simulated cloud that answers over HTTP from `start` to `stop`."""

    def __init__(self, config: SimulatorConfig, listener: socket.socket | None = None) -> None:
        """Make or resume the cloud and listen.

        Args:
            config: which cloud, and where.
            listener: a socket that listens already, instead of host and port.

        Raises:
            ValueError: the cluster is not valid.
            OSError: the address is taken.
        """
        self.cloud = open_cloud(config)
        listener = listener or listening_socket(config.host, config.port)
        app = make_app(self.cloud, PageGuard() if is_loopback(listener.getsockname()[0]) else None)
        self._http = HttpServer(listener, app)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, name="simulator"
        )

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return self._http.base_url

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; every change that was answered is in the state file."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self.cloud.world.close()


def serve(
    config: SimulatorConfig,
    *,
    ready: Callable[[str], None] | None = None,
    listener: socket.socket | None = None,
) -> None:
    """Run a simulated cloud until SIGTERM or SIGINT. Call it in the main thread.

    Args:
        config: which cloud, and where.
        ready: called with the base URL when it answers.
        listener: a socket that listens already, instead of host and port.

    Raises:
        ValueError: the cluster is not valid.
        OSError: the address is taken.
    """
    stop = threading.Event()
    with handled_signals(dict.fromkeys(_STOP_SIGNALS, stop.set)):
        simulator = Simulator(config, listener)
        simulator.start()
        try:
            if ready is not None:
                ready(simulator.base_url)
            stop.wait()
        finally:
            simulator.stop()
