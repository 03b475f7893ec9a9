from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Instance:
    """A running worker process.

    Attributes:
        id: unique per process start: ``<name>/<host>/<pid>/<start token>``.
        name: service name in the API (``watcher-decision-engine``, ``watcher-applier``).
        host: its host.
        pid: process id on the host.
        pid_started: start time of the process in kernel ticks (detects reuse of the pid).
        boot_id: id of the host's boot (detects reboots), "" if unknown.
    """

    id: str
    name: str
    host: str
    pid: int
    pid_started: str
    boot_id: str


@dataclass(frozen=True)
class ServiceRow:
    """A service in the API: one row per name and host, for the newest instance."""

    id: int
    name: str
    host: str
    last_seen_up: datetime
    created_at: datetime
    alive: bool


class ServiceRegistry(Protocol):
    """The heartbeats of worker processes. Rows, not events."""

    def beat(self, instance: Instance) -> None:
        """Records a heartbeat: a retired instance is back. The first one registers the instance."""
        ...

    def retire(self, instance_id: str) -> None:
        """Records that an instance stopped regularly, or cannot work at present."""
        ...

    def is_presumed_dead(self, instance_id: str) -> bool:
        """Whether the claims of an instance may be taken over.

        True if it stopped regularly, if it ran on this host and its process has ended, or if its
        last heartbeat is older than the service's down time by the database's clock.
        """
        ...

    def is_retired(self, instance_id: str) -> bool:
        """Whether an instance stopped regularly."""
        ...

    def rows(self) -> list[ServiceRow]:
        """All services."""
        ...
