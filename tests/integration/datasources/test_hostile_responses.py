"""A response that unpacks to more than memory holds is not read to its end."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from application.kernel.retry import RetryPolicy
from application.ports.metrics import MetricsUnavailable
from infrastructure.datasources.endpoint import HttpReader, Request, UrlEndpoint

LIMIT = 1_000_000


class _Packed(BaseHTTPRequestHandler):
    """Answers with as many blanks as the path says, packed."""

    def do_GET(self) -> None:
        content = gzip.compress(b" " * int(self.path.strip("/")))
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def reader() -> Iterator[HttpReader]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Packed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    endpoint = UrlEndpoint(f"http://127.0.0.1:{server.server_port}", max_bytes=LIMIT)
    yield HttpReader(endpoint, RetryPolicy(0.01, attempts=2))
    endpoint.close()
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_response_that_unpacks_to_more_than_the_limit_is_refused(reader: HttpReader) -> None:
    with pytest.raises(MetricsUnavailable, match="longer than 1000000 bytes"):
        reader.send(Request("GET", f"/{50 * LIMIT}"))


def test_a_response_within_the_limit_is_read_whole(reader: HttpReader) -> None:
    response = reader.send(Request("GET", f"/{LIMIT}"))
    assert response.content == b" " * LIMIT
    assert response.text.isspace()
