"""A real Prometheus server with data of its own, if one is installed."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests

from domain.metrics import catalogue as m
from tests.conformance.datasources import truth
from tests.ports import free_port
from tests.postgres import _die_with_parent

_LIMIT = 60.0
_CORES = 2


def missing() -> str | None:
    """Why there cannot be one here; None if there can."""
    gone = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"not installed: {', '.join(gone)} (Debian package prometheus)" if gone else None


def version() -> str:
    """Its version."""
    told = subprocess.run(
        ["prometheus", "--version"], capture_output=True, text=True, check=True, timeout=20
    )
    return (told.stdout or told.stderr).splitlines()[0]


@contextmanager
def prometheus_server(
    directory: Path, configuration: str = "scrape_configs: []\n"
) -> Iterator[str]:
    """URL of a Prometheus that knows the truth as exporters would have told it."""
    text, now = directory / "samples.om", time.time()
    text.write_text(
        "\n".join(
            [
                *_exposition(now),
                *_moved(now),
                *_of_other_exporters(now),
                *_sensors(now),
                "# EOF",
                "",
            ]
        ),
        encoding="utf-8",
    )
    data = directory / "data"
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)],
        check=True,
        capture_output=True,
        timeout=_LIMIT,
    )
    with running(directory, configuration) as url:
        yield url


@contextmanager
def running(directory: Path, configuration: str) -> Iterator[str]:
    """URL of a Prometheus that has what is in a directory's ``data``, and scrapes."""
    data, config = directory / "data", directory / "prometheus.yml"
    config.write_text(configuration, encoding="utf-8")
    port = free_port()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - only a system call
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/-/ready", process, directory / "log")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_LIMIT)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _LIMIT
    while True:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.ConnectionError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"prometheus does not start:\n{log.read_text()}")
        time.sleep(0.1)


def _lines(
    start: float, name: str, labels: str, told: Iterable[tuple[int, float]]
) -> Iterator[str]:
    for at, value in told:
        yield f"{name}{{{labels}}} {value!r} {start + at:.3f}"


def _moved(start: float) -> Iterator[str]:
    yield "# TYPE moved_cpu gauge"
    for server, labels, told in truth.moved():
        yield from _lines(start, "moved_cpu", f'resource="{server}",{labels}', told)


def _of_other_exporters(start: float) -> Iterator[str]:
    """The truth in other units: with names that say so, and with names that do not."""
    for name, kind, suffix in (
        ("libvirt_cpu_seconds", "counter", "_total"),
        ("libvirt_cpu_time", "gauge", ""),
    ):
        yield f"# TYPE {name} {kind}"
        for server in truth.TRUTH[m.INSTANCE_CPU_USAGE]:
            told = truth.counter(m.INSTANCE_CPU_USAGE, server, 0.01 * truth.VCPUS)
            yield from _lines(start, name + suffix, f'resource="{server}"', told)
    yield "# TYPE young_cpu_seconds counter"
    for host, mode, told in truth.young_hosts():
        for cpu in range(_CORES):
            labels = f'fqdn="{host}",cpu="{cpu}",mode="{mode}"'
            yield from _lines(start, "young_cpu_seconds_total", labels, told)
    for name, size in (
        ("available_memory_bytes", 1024),
        ("available_memory_kibibytes", 1),
        ("available_memory", 1),
    ):
        yield f"# TYPE {name} gauge"
        for host in ("busy.example", "quiet.example"):
            used = truth.samples(m.HOST_RAM_USAGE, host)
            free = [(at, (truth.HOST_MB * 1024 - kib) * size) for at, kib in used]
            yield from _lines(start, name, f'fqdn="{host}"', free)


SENSORS: Sequence[tuple[str, str, float]] = (
    ("ipmi_temperature_celsius", 'fqdn="busy.example",name="Exhaust Temp"', 41.5),
    ("ipmi_temperature_celsius", 'fqdn="busy.example",name="Inlet Temp"', 24.0),
    ("ipmi_temperature_celsius", 'fqdn="quiet.example",name="02-Outlet Ambient"', 30.0),
    ("ipmi_temperature_celsius", 'fqdn="quiet.example",name="CPU1 Temp"', 80.0),
    ("ipmi_sensor_value", 'fqdn="busy.example",name="Sys Airflow",type="Other Units"', 52.0),
    ("ipmi_sensor_value", 'fqdn="quiet.example",name="Utilisation",type="Other Units"', 99.0),
    ("ipmi_dcmi_power_consumption_watts", 'fqdn="busy.example"', 420.0),
    ("ceilometer_cpu_l3_cache", f'resource="{truth.SERVERS["full"]}"', 4.0 * 2**20),
)
"""Series, labels and value of sensors, as ipmi_exporter and Ceilometer report them."""


def _sensors(start: float) -> Iterator[str]:
    known = set[str]()
    for series, labels, value in SENSORS:
        if series not in known:
            yield f"# TYPE {series} gauge"
        known.add(series)
        told = [(at, value) for at in range(-truth.BEFORE, truth.AFTER + 1, truth.STEP)]
        yield from _lines(start, series, labels, told)


def _exposition(start: float) -> Iterator[str]:
    """The samples in the OpenMetrics format."""
    lines = partial(_lines, start)
    yield "# TYPE node_cpu_seconds counter"
    for host in truth.TRUTH[m.HOST_CPU_USAGE]:
        for cpu in range(_CORES):
            used = truth.counter(m.HOST_CPU_USAGE, host, 0.01)
            idle = [(at, (at + truth.BEFORE) - total + 2000) for at, total in used]
            for mode, told in (("user", used), ("idle", idle)):
                labels = f'fqdn="{host}",cpu="{cpu}",mode="{mode}"'
                yield from lines("node_cpu_seconds_total", labels, told)
    totals = dict.fromkeys(truth.TRUTH[m.HOST_RAM_USAGE], truth.HOST_MB * 1024**2)
    totals["half.example"] = 2 * truth.UNFIT * 1024
    yield "# TYPE node_memory_MemTotal_bytes gauge"
    for host, total in totals.items():
        told = [(at, float(total)) for at, _ in truth.samples(m.HOST_RAM_USAGE, host)]
        yield from lines("node_memory_MemTotal_bytes", f'fqdn="{host}"', told)
    yield "# TYPE node_memory_MemAvailable_bytes gauge"
    for host, total in totals.items():
        told = [(at, total - kib * 1024) for at, kib in truth.samples(m.HOST_RAM_USAGE, host)]
        yield from lines("node_memory_MemAvailable_bytes", f'fqdn="{host}"', told)
    yield "# TYPE ceilometer_cpu gauge"
    for server in truth.TRUTH[m.INSTANCE_CPU_USAGE]:
        told = truth.counter(m.INSTANCE_CPU_USAGE, server, 0.01 * truth.VCPUS * 1e9)
        yield from lines("ceilometer_cpu", f'resource="{server}"', told)
    yield "# TYPE ceilometer_memory_usage gauge"
    for server in truth.TRUTH[m.INSTANCE_RAM_USAGE]:
        told = truth.samples(m.INSTANCE_RAM_USAGE, server)
        yield from lines("ceilometer_memory_usage", f'resource="{server}"', told)
    yield "# TYPE forgotten_memory gauge"
    stopped = truth.SERVERS["stopped"]
    told = truth.samples(m.INSTANCE_RAM_USAGE, stopped)
    yield from lines("forgotten_memory", f'resource="{stopped}"', told)
