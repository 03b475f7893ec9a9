"""Identifies processes of this host, so that a reused process id is detected."""

import os
import socket
from pathlib import Path
from uuid import uuid4

from application.ports.services import Instance

_PROC = Path("/proc")
_STARTED = 19
"""Index of the start time in /proc/<pid>/stat after the command name (field 22 in proc(5))."""


def this_instance(name: str, *, host: str | None = None) -> Instance:
    """The running process as an instance of a service.

    Args:
        name: service name.
        host: name of the host; the machine's name by default.
    """
    pid = os.getpid()
    where = host or socket.gethostname()
    started = process_started(pid) or ""
    token = started or uuid4().hex[:12]
    return Instance(f"{name}/{where}/{pid}/{token}", name, where, pid, started, boot_id())


def boot_id() -> str:
    """Id of the host's boot and of the process id namespace; "" if unknown.

    Two containers of a host may share the host's name and boot id, but not the process ids.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot} {namespace}"


def process_started(pid: int) -> str | None:
    """The start time of a process of this host, in kernel ticks; None if it does not exist.

    "" if the process exists but the system has no /proc.
    """
    if not _PROC.joinpath("self/stat").exists():
        return "" if _exists(pid) else None
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    if state in {"Z", "X"}:
        return None  # a zombie
    return rest[_STARTED - 1]


def is_running_here(instance: Instance, host: str) -> bool | None:
    """Whether the process of an instance runs; None if it is not of this host."""
    boot = boot_id()
    if instance.host != host or not boot or instance.boot_id != boot:
        return None
    return process_started(instance.pid) == instance.pid_started


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
