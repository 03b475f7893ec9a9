"""The supervisor of ``vigil up``: child processes, their output and ports, the data directory."""

from infrastructure.supervision.child import (
    CannotStart,
    ChildSpec,
    ChildState,
    Process,
)
from infrastructure.supervision.fork import ForkCommand, share_memory
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
    "ForkCommand",
    "LineStream",
    "NotReady",
    "OutputWriter",
    "PortReservation",
    "PortTaken",
    "Process",
    "Supervisor",
    "UpState",
    "holder",
    "inherited_socket",
    "listening_socket",
    "reserve_port",
    "share_memory",
]
