"""A cloud that answers what a test tells it to: for the answers that no sane service gives."""

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Say:
    """An answer.

    Attributes:
        body: JSON document, or a text that is none.
        lost: the connection is closed instead of answering.
        delay: what to do before answering.
    """

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Headers = field(default_factory=dict)
    lost: bool = False
    delay: Callable[[], object] | None = None


Answer = Say | Callable[[Asked], Say]


class ScriptedCloud:
    """Keystone and version documents are sane; everything else is what ``on`` said last."""

    def __init__(self, *, newest: str = "2.96") -> None:
        self.asked: list[Asked] = []
        self.newest = newest
        self._script: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        self._lock = threading.Lock()
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # otherwise a client waits 40 ms for each body

            def _serve(self) -> None:
                cloud._serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing: pytest shows what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answers to requests, in order; the last one is repeated. Paths are the service's own."""
        self._script[method, path] = list(answers)

    def asked_for(self, method: str, path: str) -> list[Asked]:
        """The requests of a kind that have arrived."""
        with self._lock:
            return [a for a in self.asked if a.method == method and a.path.endswith(path)]

    def clouds_yaml(self, directory: Path) -> Path:
        """The clouds.yaml that names it ``scripted``."""
        auth = {
            "auth_url": f"{self.url}/identity/v3",
            "username": "somebody",
            "password": "secret",
            "project_name": "somewhere",
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        path = directory / "clouds.yaml"
        entry = {"region_name": "RegionOne", "identity_api_version": 3, "auth": auth}
        path.write_text(json.dumps({"clouds": {"scripted": entry}}), encoding="utf-8")
        return path

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = Asked(
            handler.command,
            parts.path,
            {key: values[-1] for key, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(int(handler.headers.get("Content-Length") or 0)),
        )
        say = self._answer(asked)
        if say.delay is not None:
            say.delay()
        if say.lost:
            handler.close_connection = True
            return
        text = say.body if isinstance(say.body, str) else json.dumps(say.body)
        content = text.encode()
        handler.send_response(say.status)
        for name, value in {"Content-Type": "application/json", **say.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        with contextlib.suppress(BrokenPipeError):  # whoever asked has lost patience
            handler.wfile.write(content)

    def _answer(self, asked: Asked) -> Say:
        with self._lock:
            self.asked.append(asked)
            service, _, path = asked.path.lstrip("/").partition("/")
            script = self._script.get((asked.method, "/" + path.removeprefix("v2.1/")))
            answer: Answer | None = None
            if script:
                answer = script.pop(0) if len(script) > 1 else script[0]
        if answer is not None:
            return answer if isinstance(answer, Say) else answer(asked)
        return self._known(service, path, asked)

    def _known(self, service: str, path: str, asked: Asked) -> Say:
        if service == "identity":
            if path == "v3/auth/tokens":
                return Say(201, self._token(), {"X-Subject-Token": "a-token"})
            return Say(200, {"version": _version(f"{self.url}/identity/v3", "v3.14")})
        if service == "compute" and path in {"", "v2.1", "v2.1/"}:
            version = _version(f"{self.url}/compute/v2.1/", "v2.1", newest=self.newest)
            return Say(200, {"versions": [version]} if path == "" else {"version": version})
        if service == "placement" and path == "":
            version = _version(f"{self.url}/placement", "v1.0", oldest="1.0", newest="1.39")
            return Say(200, {"versions": [version]})
        message = f"not scripted: {asked.method} {asked.path}"
        return Say(404, {"itemNotFound": {"code": 404, "message": message}})

    def _token(self) -> dict[str, Any]:
        return {
            "token": {
                "methods": ["password"],
                "user": {"id": "me", "name": "somebody", "domain": {"id": "default"}},
                "project": {"id": "p", "name": "somewhere", "domain": {"id": "default"}},
                "roles": [{"id": "r", "name": "admin"}],
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "expires_at": "2126-01-01T00:00:00.000000Z",
                "catalog": [
                    _catalogued("identity", f"{self.url}/identity/v3"),
                    _catalogued("compute", f"{self.url}/compute/v2.1"),
                    _catalogued("placement", f"{self.url}/placement"),
                    _catalogued("metric-storage", f"{self.url}/metrics"),
                ],
            }
        }


def _version(
    url: str, version_id: str, *, oldest: str = "2.1", newest: str | None = None
) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": version_id,
        "status": "CURRENT",
        "links": [{"rel": "self", "href": url}],
    }
    if newest is not None:
        known.update(version=newest, max_version=newest, min_version=oldest)
    return known


def _catalogued(kind: str, url: str) -> dict[str, Any]:
    endpoint = {"id": kind, "interface": "public", "region": "RegionOne", "url": url}
    return {"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]}
