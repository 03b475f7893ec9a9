"""What a client of the API waits for: of any installation, or of one that is started here.

The audits and plans that it makes stay: use an installation that can go.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.benchmarks.footprint import running
from tests.benchmarks.report import Cell, Table
from tests.benchmarks.samples import quantile

DUMMY = {"goal": "dummy", "strategy": "dummy", "audit_type": "ONESHOT", "parameters": {}}
CLIENTS = 4
STORED = 1000
"""Audits of which lists are read."""
LOOK = 0.005
"""Seconds between two looks at what is awaited."""
PATIENCE = 300.0
READ = ("/", "/v1/audits/detail?limit=100")
T = TypeVar("T")
COLUMNS = ("what", "clients", "samples", "per second", "p50, ms", "p99, ms")


class Api:
    """An API with a connection per thread."""

    def __init__(self, url: str, token: str | None) -> None:
        self._place = urlsplit(url)
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["X-Auth-Token"] = token
        self._local = threading.local()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer; AssertionError if it is an error."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            secure = self._place.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            connection = kind(self._place.hostname or "", self._place.port, timeout=60)
            self._local.connection = connection
        text = None if body is None else json.dumps(body)
        connection.request(method, self._place.path.rstrip("/") + path, text, self._headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise AssertionError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return json.loads(content)


def run(*, quick: bool = False, url: str | None = None, token: str | None = None) -> Table:
    """All rows, for the installation at a URL, or for `vigil up` with its simulated cloud."""
    with _installation(url) as place:
        api = Api(place, token)
        plans, starts = zip(*(_loop(api) for _ in range(3 if quick else 30)), strict=True)
        rows = [
            _row("POST audit … plan RECOMMENDED", 1, plans),
            _row("start … plan SUCCEEDED, beyond its sleeps", 1, starts),
            *_stored(api, 20 if quick else STORED),
        ]
        seconds = 0.5 if quick else 5.0
        rows += [_reading(api, path, clients, seconds) for path in READ for clients in (1, CLIENTS)]
    return Table(
        "A client of the API",
        COLUMNS,
        tuple(rows),
        (
            (
                "Audits of the goal `dummy`; each look at a plan is a GET, with a pause of "
                f"{1000 * LOOK:g} ms. *Executed*: until the last of the audits has SUCCEEDED."
            ),
        ),
    )


@contextmanager
def _installation(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with running() as up:
        yield up.url


def _loop(api: Api) -> tuple[float, float]:
    """Seconds until a plan is recommended; seconds of its execution beyond its sleeps."""
    begun = time.perf_counter()
    audit = api.ask("POST", "/v1/audits", DUMMY)["uuid"]
    listed = f"/v1/action_plans?audit_uuid={audit}"

    def recommended() -> str | None:
        plans = api.ask("GET", listed)["action_plans"]
        return next((one["uuid"] for one in plans if one["state"] == "RECOMMENDED"), None)

    plan = _await(recommended)
    waited = time.perf_counter() - begun
    actions = api.ask("GET", f"/v1/actions/detail?action_plan_uuid={plan}")["actions"]
    slept = sum(float(one["input_parameters"].get("duration", 0)) for one in actions)
    begun = time.perf_counter()
    api.ask("POST", f"/v1/action_plans/{plan}/start", {})
    _await(lambda: api.ask("GET", f"/v1/action_plans/{plan}")["state"] == "SUCCEEDED" or None)
    return waited, time.perf_counter() - begun - slept


def _stored(api: Api, number: int) -> list[tuple[Cell, ...]]:
    """Has clients request audits at once, and waits until all are executed."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = list(pool.map(lambda _: _timed(lambda: _post(api)), range(number)))
    posted = time.perf_counter() - begun
    _await(lambda: (not _unfinished(api)) or None)
    executed = time.perf_counter() - begun
    return [
        _row("POST audit", CLIENTS, times, number / posted),
        ("audits executed", float(CLIENTS), float(number), number / executed, "", ""),
    ]


def _post(api: Api) -> None:
    api.ask("POST", "/v1/audits", DUMMY)


def _unfinished(api: Api) -> bool:
    path = "/v1/audits?limit=1000&sort_key=created_at&sort_dir=desc"
    states = {one["state"] for one in api.ask("GET", path)["audits"]}
    return bool(states & {"PENDING", "ONGOING"})


def _reading(api: Api, path: str, clients: int, seconds: float) -> tuple[Cell, ...]:
    end = time.perf_counter() + seconds

    def ask(_: int) -> list[float]:
        mine = []
        while time.perf_counter() < end:
            mine.append(_timed(lambda: api.ask("GET", path)))
        return mine

    with ThreadPoolExecutor(clients) as pool:
        times = [one for mine in pool.map(ask, range(clients)) for one in mine]
    return _row(f"GET {path}", clients, times, len(times) / seconds)


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _row(
    what: str, clients: int, seconds: list[float] | tuple[float, ...], rate: Cell = ""
) -> tuple[Cell, ...]:
    shares = (1000 * quantile(seconds, share) for share in (0.5, 0.99))
    return (what, float(clients), float(len(seconds)), rate, *shares)


def _await(probe: Callable[[], T | None]) -> T:
    end = time.monotonic() + PATIENCE
    while (found := probe()) is None:
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE:g} s")
        time.sleep(LOOK)
    return found
