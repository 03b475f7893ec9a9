"""The supervisor of ``vigil up``: child processes, their output and ports, the data directory."""

from infrastructure.supervision.child import (
    CannotStart,
    ChildSpec,
    ChildState,
    Process,
    ProcessCommand,
)
from infrastructure.supervision.lock import (
    DirectoryBusy,
    DirectoryLock,
    DirectoryUnusable,
    holder,
)
from infrastructure.supervision.output import Prefixed, Voice
from infrastructure.supervision.ports import PortTaken, Reservation, inherited, listening, reserved
from infrastructure.supervision.state import ChildReport, UpState
from infrastructure.supervision.supervisor import NotReady, Supervisor

__all__ = [
    "CannotStart",
    "ChildReport",
    "ChildSpec",
    "ChildState",
    "DirectoryBusy",
    "DirectoryLock",
    "DirectoryUnusable",
    "NotReady",
    "PortTaken",
    "Prefixed",
    "Process",
    "ProcessCommand",
    "Reservation",
    "Supervisor",
    "UpState",
    "Voice",
    "holder",
    "inherited",
    "listening",
    "reserved",
]
