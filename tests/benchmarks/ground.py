"""What benchmarks of whole installations stand on: databases and processes."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.crash.installation import Cloud, Installation, eventually
from tests.postgres import Cluster

DATABASES = ("sqlite", "postgresql")
HOSTS, SERVERS, SEED = 30, 300, 42
"""The demo's cloud."""
SPEED = 20.0
"""Simulated seconds per second."""
WORDS = 5
"""Lines of each log that are shown when something failed."""


@dataclass(frozen=True)
class Ground:
    """An installation, its database and the cloud it optimises."""

    installation: Installation
    cloud: Cloud
    database: str


@contextmanager
def database(kind: str, folder: Path, *, durable: bool = True) -> Iterator[str]:
    """URL of an empty database, which waits for the disk by default; it is gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'vigil.sqlite'}"
        return
    cluster = Cluster(durable=durable)
    try:
        cluster.start()
        yield cluster.url
    finally:
        cluster.remove()


@contextmanager
def ground(kind: str, options: Mapping[str, str]) -> Iterator[Ground]:
    """An installation beside the demo's cloud. No role runs yet; nothing is left afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="vigil-bench-")))
        url = stack.enter_context(database(kind, folder))
        try:
            cloud = Cloud(folder, SPEED)
            stack.callback(cloud.stop)
            cloud.replace(HOSTS, SERVERS, SEED)
            installation = Installation(folder, url, cloud, options)
            stack.callback(installation.stop)
            yield Ground(installation, cloud, url)
        except Exception as failure:
            failure.add_note(_last_words(folder))
            raise


def await_catalogue(installation: Installation) -> None:
    """Waits until goals and strategies are registered and shown."""

    def registered() -> bool | None:
        return bool(installation.ask("GET", "/v1/strategies")["strategies"]) or None

    eventually("strategies are listed", registered)


def _last_words(folder: Path) -> str:
    """The end of what each process said: its files are about to go."""
    said = {log.name: log.read_text(errors="replace").splitlines() for log in folder.glob("*.log")}
    return "\n".join(f"{name}: {line}" for name, lines in said.items() for line in lines[-WORDS:])
