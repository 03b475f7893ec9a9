from infrastructure.supervision.child import (
    Backoff,
    CannotStart,
    ChildSpec,
    ChildState,
    Command,
    Process,
)
from infrastructure.supervision.lock import DirectoryBusy, DirectoryLock, holder
from infrastructure.supervision.output import Prefixed, Voice
from infrastructure.supervision.process import die_with_parent, free_port, is_free
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
    "NotReady",
    "Prefixed",
    "Process",
    "Supervisor",
    "UpState",
    "Voice",
    "die_with_parent",
    "free_port",
    "holder",
    "is_free",
]
