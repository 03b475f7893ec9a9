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
from infrastructure.supervision.output import LineStream, OutputWriter
from infrastructure.supervision.ports import (
    PortReservation,
    PortTaken,
    inherited_socket,
    listening_socket,
    reserve_port,
)
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
    "LineStream",
    "NotReady",
    "OutputWriter",
    "PortReservation",
    "PortTaken",
    "Process",
    "ProcessCommand",
    "Supervisor",
    "UpState",
    "holder",
    "inherited_socket",
    "listening_socket",
    "reserve_port",
]
