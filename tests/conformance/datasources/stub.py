"""STUBS of what cannot be installed everywhere: a small HTTP server and what it answers from.

They answer from the truth in the shapes of the real services. Grafana has no package to run in a
test; the Gnocchi stub passes the same suite as the real Gnocchi, which keeps it honest.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """A request as it arrived."""

    method: str
    path: str
    params: dict[str, str]
    authorization: str
    body: bytes

    def form(self) -> dict[str, str]:
        """What was asked for, in the query string or in the body."""
        return {**self.params, **dict(parse_qsl(self.body.decode()))}


Answer = Callable[[Call], tuple[int, object]]
"""Status and JSON document (or a text that is none)."""


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """URL of a server that answers like that."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            call = Call(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                self.headers.get("Authorization") or "",
                self.rfile.read(length),
            )
            status, document = answer(call)
            content = (document if isinstance(document, str) else json.dumps(document)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked lost patience
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
