from infrastructure.supervision.child import (
    Backoff,
    CannotStart,
    ChildSpec,
    ChildState,
    Command,
    Process,
)
from infrastructure.supervision.lock import (
    DirectoryBusy,
    DirectoryLock,
    DirectoryUnusable,
    holder,
)
from infrastructure.supervision.output import Prefixed, Voice
from infrastructure.supervision.ports import PortTaken, Reservation, inherited, listening, reserved
from infrastructure.supervision.process import die_with_parent
from infrastructure.supervision.state import ChildReport, UpState
from infrastructure.supervision.supervisor import NotReady, Supervisor

__all__ = [
    "Backoff",
    "CannotStart",
    "ChildReport",
    "ChildSpec",
    "ChildState",
    "Command",
    "DirectoryBusy",
    "DirectoryLock",
    "DirectoryUnusable",
    "NotReady",
    "PortTaken",
    "Prefixed",
    "Process",
    "Reservation",
    "Supervisor",
    "UpState",
    "Voice",
    "die_with_parent",
    "holder",
    "inherited",
    "listening",
    "reserved",
]
