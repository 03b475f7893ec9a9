"""Whether a process of this host is still the one that it was."""

import os
import socket
from pathlib import Path
from uuid import uuid4

from application.ports.services import Instance

_PROC = Path("/proc")
_STARTED = 19
"""Place of a process's start time in /proc/<pid>/stat behind the command name (proc(5), 22)."""


def this_instance(name: str, *, host: str | None = None) -> Instance:
    """The running process as an instance of a service.

    Args:
        name: service name.
        host: where it says it runs; the machine's name by default.
    """
    pid = os.getpid()
    where = host or socket.gethostname()
    started = process_started(pid) or ""
    token = started or uuid4().hex[:12]
    return Instance(f"{name}/{where}/{pid}/{token}", name, where, pid, started, boot_id())


def boot_id() -> str:
    """Id of the host's boot and of the process id namespace; "" if the system tells neither.

    Two containers of one host may share its name and its boot, but not its process ids.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot} {namespace}"


def process_started(pid: int) -> str | None:
    """When a process of this host started, in kernel ticks; None if there is no such process.

    Systems without /proc tell only that there is one: then it is "".
    """
    if not _PROC.joinpath("self/stat").exists():
        return "" if _exists(pid) else None
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    if state in {"Z", "X"}:
        return None  # dead, only not yet waited for
    return rest[_STARTED - 1]


def lives_here(instance: Instance, host: str) -> bool | None:
    """Whether an instance's process lives; None if this host cannot know."""
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
