"""The ports of one machine's installation."""

import socket
from dataclasses import dataclass

from infrastructure.settings import LoadedSettings
from infrastructure.supervision import PortTaken, Reservation, listening
from interfaces.cli.errors import CommandFailed


@dataclass
class Ports:
    """The ports of an installation, taken before anybody is told about them.

    Attributes:
        api, simulator: sockets that listen; the simulator's is None if a real cloud is used.
        nats: None if another server is used or the user chose its port.
    """

    api: socket.socket
    simulator: socket.socket | None = None
    nats: Reservation | None = None

    def close(self) -> None:
        """Lets go of them."""
        for one in (self.api, self.simulator, self.nats):
            if one is not None:
                one.close()


def api_listener(loaded: LoadedSettings) -> socket.socket:
    """The API's port, or, unless the user insists on it, any other one if it is taken."""
    api = loaded.settings.api
    try:
        return listener("api", "port", api.host, api.port)
    except CommandFailed as taken:
        if loaded.chosen("api", "port"):
            raise CommandFailed(f"{taken}; choose another with --api-port") from taken
    return listener("api", "host", api.host, 0)


def listener(section: str, option: str, host: str, port: int) -> socket.socket:
    """A socket that listens where an option says; port 0 = any free one.

    Raises:
        CommandFailed: it cannot; names the option.
    """
    try:
        return listening(host, port)
    except PortTaken as taken:
        place = f"{port} on {host}" if port else host
        raise CommandFailed(
            f"[{section}] {option}: {place} is taken or cannot be listened on: {taken}"
        ) from taken


def port_of(listener: socket.socket) -> int:
    """The port that it is bound to."""
    return int(listener.getsockname()[1])
