"""What a running installation tells those who look for it: ``up.json`` in its data directory."""

import os
from pathlib import Path

import msgspec

NAME = "up.json"


class ChildReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a child stands."""

    name: str
    state: str
    pid: int | None
    restarts: int


class UpState(msgspec.Struct, frozen=True, kw_only=True):
    """A running installation.

    Attributes:
        pid: of the supervisor.
        started_at: ISO 8601, UTC.
        ready: whether everything vital has come up.
        api_url: where the REST API answers.
        database: connection URL, with its password.
        nats_url, nats_token: the transport.
        cloud, cloud_config: entry and file for openstacksdk.
        simulator_url: base address of the simulated cloud, if it is one.
        log: file with everything the children said.
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
    """Replaces the file in one step; only its owner can read it, for it holds secrets."""
    target = directory / NAME
    fresh = directory / f".{NAME}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    fresh.replace(target)


def read(directory: Path) -> UpState | None:
    """What the file says; None if there is none, or it is from another version."""
    try:
        return msgspec.json.decode((directory / NAME).read_bytes(), type=UpState)
    except (OSError, msgspec.DecodeError):
        return None


def remove(directory: Path) -> None:
    """Takes the file away."""
    (directory / NAME).unlink(missing_ok=True)
