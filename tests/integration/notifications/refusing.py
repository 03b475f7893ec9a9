"""A message broker that accepts connections and then refuses the login or the virtual host."""

import socket
import struct
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

_dumps: Any = import_module("amqp.serialization").dumps
_START, _TUNE, _OPEN_OK, _CLOSE = (10, 10), (10, 30), (10, 41), (10, 50)
LOGIN = (403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.")
VHOST = (530, "NOT_ALLOWED - vhost nowhere not found")


class RefusingBroker:
    """Speaks AMQP 0-9-1 (specification, section 2.2.4) up to its refusal.

    Args:
        code, text: of the refusal; ``LOGIN`` follows the credentials, any other the vhost.

    Attributes:
        refusals: connections that were refused.
    """

    def __init__(self, code: int, text: str) -> None:
        self.refusals = 0
        self._refusal = (code, text)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rabbit://nobody:secret@127.0.0.1:{self._server.getsockname()[1]}/nowhere"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accepts no more connections."""
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(5)
                self._refuse(client)
                self.refusals += 1

    def _refuse(self, client: socket.socket) -> None:
        client.recv(8)  # AMQP 0 0 9 1
        client.sendall(_method(_START, "ooFSS", 0, 9, {}, b"PLAIN AMQPLAIN", b"en_US"))
        client.recv(65536)  # start-ok: the credentials
        if self._refusal != LOGIN:
            client.sendall(_method(_TUNE, "BlB", 0, 131072, 0))
            client.recv(65536)  # tune-ok and open, perhaps in two parts
        code, text = self._refusal
        client.sendall(_method(_CLOSE, "BsBB", code, text, 0, 0))
        client.recv(65536)


def _method(method: tuple[int, int], form: str, *values: object) -> bytes:
    """A frame of channel 0 that holds a method."""
    content: bytes = struct.pack(">HH", *method) + _dumps(form, values)
    return struct.pack(">BHI", 1, 0, len(content)) + content + b"\xce"
