"""The API on a real server with real worker processes, for tests and their helpers.

Run as a program, ``python -m tests.integration.rest.serving URL WORKERS STREAM_SECONDS HEARTBEAT
STREAM_TIMEOUT CLIENT_TIMEOUT``, it serves the api in a database and prints where.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from infrastructure.supervision import listening_socket
from interfaces.rest.services import RestServices, RestSettings
from interfaces.rest.serving.server import ServerSettings, serve
from tests.world.api import ArrangedModel, rest_services
from tests.world.world import World

GRACE = 60
"""Seconds that requests may take at the end: longer than a test waits for it (STOP)."""
STOP = 30.0
SEND_BUFFER = 64 * 1024
"""Bytes of a response that the server's kernel holds for a client that does not read.

Without it the kernel grows the buffer of a connection to as much as 4 MB: a client that does not
read would hold up a thread only after a dozen large responses.
"""


def services_of(url: str, settings: RestSettings | None = None) -> RestServices:
    """What a worker process needs."""
    world = World(url, is_new=False)
    model = ArrangedModel()
    model.rows = [{"node_uuid": "n-1", "node_hostname": "cmp-1", "server_name": "vm-1"}]
    return rest_services(world, model, settings, world.close)


@contextmanager
def served(
    world: World,
    workers: int = 2,
    stream_seconds: float = 3600.0,
    heartbeat: float = 0.5,
    stream_timeout: float = 30.0,
    client_timeout: float = 30.0,
    errors: IO[str] | None = None,
) -> Iterator[str]:
    """The base URL of a server on a world's databases; ``errors`` takes what it logs."""
    words = [
        world.url,
        *map(str, (workers, stream_seconds, heartbeat, stream_timeout, client_timeout)),
    ]
    command = [sys.executable, "-m", "tests.integration.rest.serving", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        line: list[str] = []
        reader = threading.Thread(target=lambda: line.append(process.stdout.readline()))  # type: ignore[union-attr]
        reader.start()
        reader.join(30)
        assert "".join(line).strip(), "the server did not come up"
        yield line[0].strip()
        process.terminate()
        assert process.wait(STOP) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]


def _main() -> int:
    url, workers = sys.argv[1], int(sys.argv[2])
    settings = RestSettings(
        stream_seconds=float(sys.argv[3]),
        heartbeat=float(sys.argv[4]),
        stream_timeout=float(sys.argv[5]),
    )
    listener = listening_socket("127.0.0.1", 0)
    # accepted connections inherit it
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return serve(
        lambda: services_of(url, settings),
        ServerSettings(workers=workers, grace=GRACE, client_timeout=float(sys.argv[6])),
        lambda host, port: print(f"http://{host}:{port}", flush=True),
        listener,
    )


if __name__ == "__main__":
    sys.exit(_main())
