from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Instance:
    """A running worker process.

    Attributes:
        id: unique per process start: ``<name>/<host>/<pid>/<start token>``.
        name: service name as the API shows it (``watcher-decision-engine``, ``watcher-applier``).
        host: where it runs.
        pid: process id there.
        pid_started: start time of that process as the kernel counts it (guards against reuse).
        boot_id: id of the host's boot (guards against reboots), "" if unknown.
    """

    id: str
    name: str
    host: str
    pid: int
    pid_started: str
    boot_id: str


@dataclass(frozen=True)
class ServiceRow:
    """A service as the API shows it: one row per name and host, newest instance."""

    id: int
    name: str
    host: str
    last_seen_up: datetime
    created_at: datetime
    alive: bool


class ServiceRegistry(Protocol):
    """Heartbeats. Rows, not events."""

    def beat(self, instance: Instance) -> None:
        """Says that an instance lives (registers it the first time)."""
        ...

    def retire(self, instance_id: str) -> None:
        """Says that an instance ended in good order."""
        ...

    def gone(self, instance_id: str) -> bool:
        """Whether an instance may be presumed dead, so that its claims may be taken over.

        True if it retired, if it ran on this host and its process is no more, or if its last beat
        is further away than the service's down time by the database's clock.
        """
        ...

    def retired(self, instance_id: str) -> bool:
        """Whether an instance said that it ended in good order."""
        ...

    def rows(self) -> list[ServiceRow]:
        """All services."""
        ...
