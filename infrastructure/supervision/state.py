"""The state of a running installation: ``up.json`` in its data directory."""

import os
from pathlib import Path

import msgspec

NAME = "up.json"


class ChildReport(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a child."""

    name: str
    state: str
    pid: int | None
    restarts: int


class UpState(msgspec.Struct, frozen=True, kw_only=True):
    """A running installation.

    Attributes:
        pid: of the supervisor.
        started_at: ISO 8601, UTC.
        ready: whether all stages are ready.
        api_url: of the REST API.
        database: connection URL, with its password.
        nats_url, nats_token: of the NATS server.
        cloud, cloud_config: entry and file for openstacksdk.
        simulator_url: base URL of the simulator, if the cloud is simulated.
        log: file with the output of the children.
    """

    pid: int
    started_at: str
    version: str
    ready: bool
    data_dir: str
    api_url: str
    database: str
    nats_url: str
    nats_token: str | None
    cloud: str
    cloud_config: str | None
    simulator_url: str | None
    prometheus_url: str | None
    log: str
    children: tuple[ChildReport, ...] = ()


def write(directory: Path, state: UpState) -> None:
    """Replaces the file atomically; only its owner can read it: it contains secrets."""
    target = directory / NAME
    fresh = directory / f".{NAME}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    fresh.replace(target)


def read(directory: Path) -> UpState | None:
    """The content of the file; None if there is none, or it is of another version or directory.

    The file of a copied directory describes the original, whose database is not the copy's.
    """
    try:
        found = msgspec.json.decode((directory / NAME).read_bytes(), type=UpState)
    except (OSError, msgspec.DecodeError):
        return None
    return found if Path(found.data_dir).resolve() == directory.resolve() else None


def remove(directory: Path) -> None:
    """Deletes the file."""
    (directory / NAME).unlink(missing_ok=True)
