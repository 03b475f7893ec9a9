"""The client against a real HTTP server of the standard library."""

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

import pytest

from interfaces.client import (
    ApiError,
    ApiUnreachable,
    ClientError,
    VigilClient,
    add_connection_arguments,
    client_from,
)


class Server(ThreadingHTTPServer):
    """Answers with what a test arranged.

    Attributes:
        seen: method, path and headers of each request.
        drops: number of the next requests whose connection is closed without an answer.
        answer: status and body.
        streams: the bodies of event streams, one after the other.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.drops = 0
        self.answer: tuple[int, bytes] = (200, b'{"ok": true}')
        self.streams: list[bytes] = []

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}/optim"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.drops:
            self.server.drops -= 1
            self.close_connection = True
            return
        status, body = self.server.answer
        if "stream" in self.path:
            status, body = 200, self.server.streams.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - names of the base class

    def log_message(self, *args: Any) -> None:
        """Prints nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as opened:
        thread = threading.Thread(target=opened.serve_forever, args=[0.01])
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


@pytest.fixture
def client(server: Server) -> Iterator[VigilClient]:
    made = VigilClient(server.url + "/", lambda: "secret")
    yield made
    made.close()


def test_a_request_has_the_path_below_the_url_the_given_parameters_and_a_token(
    client: VigilClient, server: Server
) -> None:
    assert client.get("/v1/audits", goal="a b", limit=None, deleted=True) == {"ok": True}
    method, path, headers = server.seen[0]
    assert (method, path) == ("GET", "/optim/v1/audits?goal=a+b&deleted=true")
    assert headers["X-Auth-Token"] == "secret"
    assert headers["OpenStack-API-Version"] == "infra-optim latest"


def test_a_refusal_is_an_error_with_the_message_of_the_api(
    client: VigilClient, server: Server
) -> None:
    inner = json.dumps({"faultstring": "Goal g could not be found."})
    server.answer = 404, json.dumps({"error_message": inner}).encode()
    with pytest.raises(ApiError, match=r"^Goal g could not be found\.$") as refused:
        client.get("/v1/goals/g")
    assert (refused.value.status, refused.value.title) == (404, "Not Found")
    server.answer = 401, json.dumps({"error": {"code": 401, "message": "Log in."}}).encode()
    with pytest.raises(ApiError, match=r"Log in\.") as refused:
        client.get("/v1/goals")
    assert "--os-cloud" in str(refused.value.hint)
    server.answer = 418, b"<h1>I am a proxy</h1>"
    with pytest.raises(ApiError, match="I am a proxy"):
        client.get("/v1/goals")


def test_a_get_is_repeated_once_after_a_dropped_connection_and_nothing_else_is(
    client: VigilClient, server: Server
) -> None:
    """An idle connection that the server has closed was shown to the user as an outage."""
    server.drops = 1
    assert client.get("/v1/goals") == {"ok": True}
    server.drops = 2
    with pytest.raises(ApiUnreachable):
        client.get("/v1/goals")
    assert client.get("/v1/goals") == {"ok": True}
    for send in (client.post, client.patch, client.put):
        before = len(server.seen)
        server.drops = 1
        with pytest.raises(ApiUnreachable):
            send("/v1/audits", {})
        assert len(server.seen) == before + 1
    server.answer = 204, b""
    client.delete("/v1/audits/x")


def test_no_answer_and_no_json_are_told_apart_from_a_refusal(
    client: VigilClient, server: Server
) -> None:
    with pytest.raises(ApiUnreachable, match=r"127\.0\.0\.1:1 does not answer") as away:
        VigilClient("http://127.0.0.1:1").get("/v1")
    assert "vigil up" in str(away.value.hint)
    server.answer = 200, b"<h1>It works</h1>"
    with pytest.raises(ApiUnreachable, match="does not speak JSON"):
        client.get("/v1")


def test_a_stream_goes_on_after_its_last_event_when_the_server_ends_it(
    client: VigilClient, server: Server
) -> None:
    server.streams = [
        b': hello\n\nid: 41\nevent: audit.requested\ndata: {"position": 41}\n\nid: 42\nda',
        b'id: 43\nevent: plan.launched\ndata: {"position":\ndata: 43}\n\n',
    ]
    found = list(islice(client.stream("/v1/events/stream", after=40), 2))
    assert [(one.id, one.type, one.data) for one in found] == [
        ("41", "audit.requested", {"position": 41}),
        ("43", "plan.launched", {"position": 43}),
    ]
    assert server.seen[1][2]["Last-Event-ID"] == "41"


@pytest.mark.parametrize("url", ["127.0.0.1:9322", "ftp://x", "http://", "http://h:port"])
def test_what_is_no_url_of_an_api_is_refused(url: str) -> None:
    with pytest.raises(ClientError, match="is not the URL of an API"):
        VigilClient(url)


def test_an_argument_names_the_api_before_the_environment_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    parser = argparse.ArgumentParser()
    add_connection_arguments(parser)
    monkeypatch.setenv("VIGIL_URL", "http://environment:1")
    assert client_from(parser.parse_args([])).url == "http://environment:1"
    assert client_from(parser.parse_args(["--url", "http://argument:2"])).url == "http://argument:2"
    with pytest.raises(ClientError, match="no `vigil up` is running"):
        client_from(parser.parse_args(["--data", str(tmp_path)]))


def test_the_client_loads_neither_openstack_nor_an_http_library() -> None:
    code = "import sys, interfaces.client; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"openstack", "keystoneauth1", "falcon", "requests", "msgspec", "infrastructure"}
    assert heavy.isdisjoint(loaded)
