"""A real Gnocchi for tests that ask for one, in a virtual environment of its own.

``VIGIL_TEST_GNOCCHI`` names the directory of that environment. If it does not hold a Gnocchi yet,
one is installed there from the package index (a minute, once). Storage is files, the index lies in
the tests' PostgreSQL (Gnocchi has no driver for SQLite), authentication is ``basic``.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.ports import free_port
from tests.postgres import _die_with_parent

ENVIRONMENT = "VIGIL_TEST_GNOCCHI"
_PACKAGES = (
    "gnocchi[keystone]",
    "oslo.db",
    "sqlalchemy",
    "sqlalchemy-utils",
    "alembic",
    "psycopg2-binary",
    "setuptools<81",
)
_LIMIT = 120.0
_SERVE = """
import sys
from gnocchi import service
from gnocchi.rest import app
from werkzeug.serving import run_simple
conf = service.prepare_service(["--config-file", sys.argv[1]])
run_simple("127.0.0.1", int(sys.argv[2]), app.load_app(conf), threaded=True)
"""


def missing() -> str | None:
    """Why there is none; None if there is, or is to be."""
    return None if os.environ.get(ENVIRONMENT) else f"{ENVIRONMENT} names no environment for one"


def installed() -> Path:
    """The environment's programs; installs Gnocchi if it is not there."""
    home = Path(os.environ[ENVIRONMENT]).expanduser().absolute()
    if not (home / "bin" / "gnocchi-metricd").exists():
        _run([sys.executable, "-m", "uv", "venv", str(home)])
        python = str(home / "bin" / "python")
        _run([sys.executable, "-m", "uv", "pip", "install", "--python", python, *_PACKAGES])
    return home / "bin"


def version() -> str:
    """Its version."""
    code = "from importlib.metadata import version; print(version('gnocchi'))"
    return _run([str(installed() / "python"), "-c", code]).strip()


@contextmanager
def gnocchi_server(directory: Path, database: str) -> Iterator[str]:
    """URL of an empty Gnocchi.

    Args:
        directory: an empty one, for its files.
        database: URL of an empty PostgreSQL database.
    """
    programs = installed()
    for name in ("store", "incoming", "coordination"):
        (directory / name).mkdir()
    config = directory / "gnocchi.conf"
    config.write_text(_configuration(directory, database), encoding="utf-8")
    chosen = ["--config-file", str(config)]
    _run([str(programs / "gnocchi-upgrade"), *chosen, "--sacks-number", "4"])
    serve = directory / "serve.py"
    serve.write_text(_SERVE, encoding="utf-8")
    port = free_port()
    commands = (
        [str(programs / "python"), str(serve), str(config), str(port)],
        [str(programs / "gnocchi-metricd"), *chosen],
    )
    processes = [_started(command, directory) for command in commands]
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, processes[0], directory / "log")
        yield url
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(_LIMIT)


def settled(session: requests.Session, url: str) -> None:
    """Returns once every measure that was sent can be read."""
    deadline = time.monotonic() + _LIMIT
    while True:
        response = session.get(f"{url}/v1/status", timeout=30)
        # it fails until its worker has joined
        if response.ok and response.json()["storage"]["summary"]["measures"] == 0:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"gnocchi does not get on: {response.text}")
        time.sleep(0.2)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _LIMIT
    while True:
        try:
            if requests.get(url, timeout=10).ok:
                return
        except requests.ConnectionError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"gnocchi does not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.2)


def _started(command: Sequence[str], directory: Path) -> "subprocess.Popen[bytes]":
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - only a system call
            cwd=directory,
        )


def _configuration(directory: Path, database: str) -> str:
    return f"""
[DEFAULT]
coordination_url = file://{directory}/coordination
[api]
auth_mode = basic
[indexer]
url = {database}
[storage]
driver = file
file_basepath = {directory}/store
[incoming]
driver = file
file_basepath = {directory}/incoming
[metricd]
workers = 1
metric_processing_delay = 1
"""


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=5 * _LIMIT, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout
