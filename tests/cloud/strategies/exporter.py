"""An exporter of loads that a test chooses, and a real Prometheus that scrapes it."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from tests.cloud.simulator.clouds import until
from tests.conformance.datasources.prometheus_server import running

_EVERY = "1s"
_SAMPLES = 10
"""Samples of a counter in the last 30 s that make its load known."""


@dataclass
class Loads:
    """The loads that the exporter reports.

    Attributes:
        servers: id → cores in use.
        hosts: name → share of its cores in use, 0 to 1.
    """

    servers: dict[str, float] = field(default_factory=dict)
    hosts: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    def text(self) -> str:
        """The counters in Prometheus' text format."""
        seconds = time.time() - self.began
        lines = [
            f'ceilometer_cpu{{resource="{server}"}} {cores * seconds * 1e9!r}'
            for server, cores in self.servers.items()
        ]
        for host, used in self.hosts.items():
            for mode, share in (("user", used), ("idle", 1.0 - used)):
                labels = f'fqdn="{host}",cpu="0",mode="{mode}"'
                lines.append(f"node_cpu_seconds_total{{{labels}}} {share * seconds!r}")
        return "\n".join([*lines, ""])


@dataclass(frozen=True)
class Measured:
    """A running Prometheus, and the loads that it scrapes."""

    url: str
    loads: Loads

    def report(self, servers: dict[str, float], hosts: dict[str, float]) -> None:
        """Reports other loads from now on; waits until Prometheus has the rates of all of them."""
        self.loads.servers, self.loads.hosts = servers, hosts
        until(lambda: self._are_known("ceilometer_cpu", "resource", servers), "loads of servers")
        until(lambda: self._are_known("node_cpu_seconds_total", "fqdn", hosts), "loads of hosts")

    def _are_known(self, series: str, label: str, names: Iterable[str]) -> bool:
        samples = f"count_over_time({series}[30s])"
        query = {"query": f"count by ({label}) ({samples} >= {_SAMPLES})"}
        found = requests.get(f"{self.url}/api/v1/query", params=query, timeout=10).json()
        known = {one["metric"][label] for one in found["data"]["result"]}
        return known >= set(names)


@contextmanager
def measured(directory: Path) -> Iterator[Measured]:
    """A Prometheus with an exporter of its own."""
    loads = Loads()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = loads.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    target = f"127.0.0.1:{server.server_port}"
    job = {"job_name": "loads", "static_configs": [{"targets": [target]}]}
    configuration = {"global": {"scrape_interval": _EVERY}, "scrape_configs": [job]}
    try:
        with running(directory, json.dumps(configuration)) as url:
            yield Measured(url, loads)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
