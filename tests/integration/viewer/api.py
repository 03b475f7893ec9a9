"""An API over HTTP that gives prepared answers, and can go away and come back."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from tests.golden.viewer import example


def answers() -> dict[str, Any]:
    """Path → answer, of the busy installation."""
    plan, action = example.ident(0x31), example.ident(0x104)
    detail = {
        "uuid": plan,
        "state": "ONGOING",
        "strategy_name": "vm_workload_consolidation",
        "created_at": example.at(-2940),
        "audit_uuid": example.ident(0x11),
        "global_efficacy": [{"name": "released_nodes_ratio", "value": 25.0, "unit": "%"}],
        "status_message": None,
    }
    audit = {
        **example.AUDITS[0],
        "goal_name": "server_consolidation",
        "strategy_name": "vm_workload_consolidation",
        "interval": "3600",
        "status_message": None,
    }
    decisions = [
        {
            "action_plan_uuid": plan,
            "strategy_name": "vm_workload_consolidation",
            "state": "ONGOING",
            "created_at": example.at(-2940),
            "actions": [
                {
                    **example.ACTIONS[3],
                    "because": example.EXPLANATION["moves"][3]["because"]["text"],  # type: ignore[index]
                }
            ],
            "rejections": example.EXPLANATION["rejections"],
        }
    ]
    servers = [example.server(number) for number in range(1, 97)]
    web4 = example.ident(0x9004)
    events = {"events": example.steps(412, "web-04", "intended", "acknowledged")}
    return {
        "/v1/overview": example.OVERVIEW,
        "/v1/hosts": {"hosts": example.HOSTS},
        "/v1/hosts/compute-01": {**example.HOSTS[0], "server_list": servers[:8]},
        "/v1/hosts/compute-01/decisions": {"decisions": decisions},
        "/v1/servers": {"servers": servers},
        f"/v1/servers/{web4}": servers[3],
        f"/v1/servers/{web4}/decisions": {"decisions": decisions},
        "/v1/actions/detail": {"actions": example.ACTIONS},
        **{f"/v1/actions/{one['uuid']}": one for one in example.ACTIONS},
        f"/v1/actions/{action}/events": events,
        f"/v1/action_plans/{plan}": detail,
        f"/v1/action_plans/{plan}/explanation": example.EXPLANATION,
        f"/v1/action_plans/{plan}/events": {"events": example.EVENTS},
        "/v1/action_plans/detail": {"action_plans": [detail]},
        "/v1/action_plans": {"action_plans": [detail]},
        f"/v1/audits/{example.ident(0x11)}": audit,
        "/v1/events": {"events": [{"actor_kind": "component", **one} for one in example.EVENTS]},
    }


class PreparedApi:
    """What the server answers, and what it was asked.

    Attributes:
        answers: path → answer.
        written: method, path and body of the requests that change something.
        asked: path and query of the others.
    """

    def __init__(self) -> None:
        self.answers = answers()
        self.written: list[tuple[str, str, Any]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.is_away = False
        self.wake = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.prepared = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def prepared(self) -> PreparedApi:
        return cast("PreparedApi", self.server.prepared)  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.prepared.is_away:
            self.close_connection = True
            return
        if parts.path.endswith("/stream"):
            self._stream()
            return
        self.prepared.asked.append((parts.path, dict(parse_qsl(parts.query))))
        found = self.prepared.answers.get(parts.path)
        if found is None:
            self._answer(404, {"error_message": json.dumps({"faultstring": "not found"})})
        else:
            self._answer(200, found)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.prepared.written.append((self.command, self.path, json.loads(body) if body else None))
        self._answer(200, {})

    def do_POST(self) -> None:
        self.do_PUT()

    def do_PATCH(self) -> None:
        self.do_PUT()

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        while not self.prepared.is_away:
            if self.prepared.wake.wait(0.05):
                self.prepared.wake.clear()
                self.wfile.write(b"id: 422\nevent: plan.launched\ndata: {}\n\n")
                self.wfile.flush()

    def log_message(self, *args: Any) -> None:
        del args


@contextmanager
def prepared_api() -> Iterator[PreparedApi]:
    """A running server."""
    api = PreparedApi()
    thread = threading.Thread(target=api.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.is_away = True
        api.server.shutdown()
        api.server.server_close()
