"""An HTTP client that does nothing but ask: some threads, each with one connection that is kept.

It runs in a process of its own, so that its cost can be told from the server's: ``ask`` starts one.
Requests are made up beforehand, and of an answer only its status and its length are looked at.
"""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from tests.benchmarks.cpu import cpu_seconds
from tests.benchmarks.samples import quantile

CONNECTIONS = 8
SECONDS = 3.0
PATIENCE = 60.0
UNIQUE = "{unique}"
"""In a body: replaced by something that no other request has."""


@dataclass(frozen=True)
class Load:
    """What to ask for.

    Attributes:
        paths: asked for in turn.
        body: JSON text; None for no body.
        requests: how many at most; seconds: for how long at most.
        warming: requests per connection that are not counted, before the clock starts.
        groups: the server's process groups, whose CPU time is looked at.
    """

    port: int
    method: str
    paths: Sequence[str]
    requests: int
    status: int = 200
    body: str | None = None
    seconds: float = SECONDS
    connections: int = CONNECTIONS
    warming: int = 10
    groups: Sequence[int] = ()


@dataclass(frozen=True)
class Answers:
    """What came of it.

    Attributes:
        wall: seconds.
        own_cpu, server_cpu: CPU seconds of the client and of the server's process groups.
        p50, p99: seconds per request.
    """

    requests: int
    wall: float
    own_cpu: float
    server_cpu: float
    p50: float
    p99: float


def ask(load: Load) -> Answers:
    """Puts a load on a server from a new process.

    Raises:
        RuntimeError: an answer was not the expected one, or none came.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{load.method} {load.paths[0]}: {done.stderr[-600:]}")
    return Answers(**json.loads(done.stdout))


class Connection:
    """A connection that is kept."""

    def __init__(self, load: Load, name: str) -> None:
        self._load = load
        self._name = name
        self._socket = socket.create_connection(("127.0.0.1", load.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, number: int) -> None:
        """Sends one request and awaits its whole answer."""
        load = self._load
        body = (load.body or "").replace(UNIQUE, f"{self._name}-{number}")
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        path = load.paths[number % len(load.paths)]
        head = f"{load.method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\n{kind}\r\n"
        self._socket.sendall((head + body).encode())
        self._answer(path)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def _answer(self, path: str) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more(path)
        head, _, body = received.partition(b"\r\n\r\n")
        status, length = _status_and_length(head)
        if status != self._load.status:
            raise RuntimeError(f"{path}: {head.decode()} {body.decode(errors='replace')}")
        missing = length - len(body)
        while missing > 0:
            missing -= len(self._more(path))

    def _more(self, path: str) -> bytes:
        received = self._socket.recv(262_144)
        if not received:
            raise RuntimeError(f"{path}: the server closed the connection")
        return received


def _status_and_length(head: bytes) -> tuple[int, int]:
    first, *fields = head.split(b"\r\n")
    for line in fields:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(first.split()[1]), int(value)
    raise RuntimeError(f"no length: {head.decode()}")


class Crowd:
    """Threads that share a number of requests."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._numbers = iter(range(load.requests))
        self._warm = threading.Barrier(load.connections + 1)
        self._taking = threading.Lock()
        self._deadline = float("inf")
        self._failures: list[BaseException] = []
        self.times: list[float] = []

    def run(self) -> Answers:
        """Asks until all was asked or the time is over."""
        threads = [
            threading.Thread(target=self._work, args=(n,)) for n in range(self._load.connections)
        ]
        for thread in threads:
            thread.start()
        with contextlib.suppress(threading.BrokenBarrierError):  # the failure is raised below
            self._warm.wait()
        cpu, server = time.process_time(), cpu_seconds(self._load.groups)
        begun = time.perf_counter()
        self._deadline = begun + self._load.seconds
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - begun
        if self._failures:
            raise self._failures[0]
        return Answers(
            requests=len(self.times),
            wall=wall,
            own_cpu=time.process_time() - cpu,
            server_cpu=cpu_seconds(self._load.groups) - server,
            p50=quantile(self.times, 0.5),
            p99=quantile(self.times, 0.99),
        )

    def _work(self, name: int) -> None:
        try:
            self._asked(name)
        except (OSError, RuntimeError, ValueError) as failure:  # raised again by run()
            self._failures.append(failure)
            self._warm.abort()

    def _asked(self, name: int) -> None:
        connection = Connection(self._load, f"{time.time_ns()}-{name}")
        try:
            for number in range(self._load.warming):
                connection.ask(-1 - number)
            self._warm.wait()
            for number in self._mine():
                begun = time.perf_counter()
                connection.ask(number)
                self.times.append(time.perf_counter() - begun)
        finally:
            connection.close()

    def _mine(self) -> Iterator[int]:
        while not self._failures and time.perf_counter() < self._deadline:
            with self._taking:
                number = next(self._numbers, None)
            if number is None:
                return
            yield number


def main() -> None:
    """Takes a load from standard input, prints what came of it."""
    sys.stdout.write(json.dumps(asdict(Crowd(Load(**json.load(sys.stdin))).run())))


if __name__ == "__main__":
    main()
