"""Wakes the processes of this machine that wait for a change of a file.

A listener binds a datagram socket in a folder beside the file; whoever changed the file sends a
byte to each. A ring may be lost: listeners also look for themselves, less often.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOM = 4096
"""Bytes: more rings than can be pending."""


class Listener:
    """Hears the rings of a bell."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._socket = _socket()
        with _reachable(folder) as near:
            self._socket.bind(f"{near}/{self._path.name}")

    def wait(self, timeout: float | None = None) -> None:
        """Blocks until the bell rings, ``end`` is called or some seconds have passed."""
        self._socket.settimeout(timeout)
        with contextlib.suppress(TimeoutError, BlockingIOError):
            while self._socket.recv(_ROOM):  # one look serves all rings so far
                self._socket.settimeout(0)

    def end(self) -> None:
        """Ends a running ``wait`` and all further ones."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


class Bell:
    """The bell of a file."""

    def __init__(self, path: Path) -> None:
        self._folder = path.with_name(f"{path.name}.bells")

    def ring(self) -> None:
        """Wakes all listeners; forgets those whose process has ended."""
        with (
            contextlib.suppress(OSError),  # nobody has listened yet, or nobody can
            _reachable(self._folder) as near,
            _socket() as sender,
        ):
            for address in Path(near).iterdir():
                _send(sender, address)

    def listener(self) -> Listener:
        """A new listener; close it.

        Raises:
            OSError: this directory, or this system, has no such sockets.
        """
        return Listener(self._folder)


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


@contextmanager
def _reachable(folder: Path) -> Iterator[str]:
    """A short path of a folder: the address of a socket has at most 107 bytes (Linux)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _send(sender: socket.socket, address: Path) -> None:
    try:
        sender.sendto(b"!", socket.MSG_DONTWAIT, str(address))
    except ConnectionRefusedError:
        address.unlink(missing_ok=True)
    except OSError:  # it has rings enough, or it has just ended
        pass


__all__ = ["Bell", "Listener"]
