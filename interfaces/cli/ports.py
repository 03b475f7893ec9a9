"""The ports of an installation on one machine."""

import socket
from dataclasses import dataclass

from infrastructure.settings import LoadedSettings
from infrastructure.supervision import PortReservation, PortTaken, listening_socket
from interfaces.cli.errors import CommandFailed


@dataclass
class Ports:
    """The ports of an installation, bound before the settings of its processes name them.

    Attributes:
        api, simulator: listening sockets; the simulator's is None if a real cloud is used.
        nats: None if an external server is used or the user chose the port.
    """

    api: socket.socket
    simulator: socket.socket | None = None
    nats: PortReservation | None = None

    def close(self) -> None:
        """Closes the sockets and the reservation."""
        for one in (self.api, self.simulator, self.nats):
            if one is not None:
                one.close()


def api_listener(loaded: LoadedSettings) -> socket.socket:
    """Listens on the API's port. If it is taken and is the default, listens on any free port."""
    api = loaded.settings.api
    try:
        return listener("api", "port", api.host, api.port)
    except CommandFailed as taken:
        if loaded.chosen("api", "port"):
            raise CommandFailed(f"{taken}; choose another with --api-port") from taken
    return listener("api", "host", api.host, 0)


def listener(section: str, option: str, host: str, port: int) -> socket.socket:
    """Listens on a host and port; port 0 is any free one.

    Raises:
        CommandFailed: it cannot listen there; the message names the option.
    """
    try:
        return listening_socket(host, port)
    except PortTaken as taken:
        raise CommandFailed(f"[{section}] {option}: {taken}") from taken


def port_of(listener: socket.socket) -> int:
    """The port to which a socket is bound."""
    return int(listener.getsockname()[1])
