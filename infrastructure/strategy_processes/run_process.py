"""What a process does that runs one strategy: limits itself, computes, answers, ends."""

import contextlib
import math
import resource
import socket
import traceback
from dataclasses import dataclass
from pathlib import Path

import msgspec

from application.ports.strategy_runner import (
    STRATEGY_MEMORY_LIMIT,
    Computation,
    StrategyRunner,
    failure_of,
)
from domain.kernel.reasons import Cause

_MIB = 2**20
_CPU_MARGIN = 5
"""Seconds: the kernel's limit on CPU time acts only if the parent did not at its deadline."""
_FIRST_VICTIM = "1000"
"""The kernel's OOM killer ends this process before any other."""


@dataclass(frozen=True)
class ProcessLimits:
    """The limits of one run.

    Attributes:
        seconds: of wall time.
        memory: MiB of address space, on top of what an idle process has.
    """

    seconds: float
    memory: int


class Computed(msgspec.Struct, frozen=True, tag=True):
    """An answer: the result."""

    computation: Computation


class Failed(msgspec.Struct, frozen=True, tag=True):
    """An answer: why there is no result.

    Attributes:
        trace: the traceback of the error that was raised.
    """

    because: Cause
    trace: str


def answer(parent: socket.socket, runner: StrategyRunner, limits: ProcessLimits) -> None:
    """Reads a decision record, runs its strategy, and writes the answer."""
    _limit(limits)
    content = b"".join(iter(lambda: parent.recv(_MIB), b""))
    parent.sendall(_outcome(runner, content, limits))


def _outcome(runner: StrategyRunner, content: bytes, limits: ProcessLimits) -> bytes:
    try:
        return msgspec.msgpack.encode(Computed(runner.run(content)))
    except MemoryError:
        _set(resource.RLIMIT_AS, resource.RLIM_INFINITY)  # the answer needs memory, too
        because = Cause(STRATEGY_MEMORY_LIMIT, {"limit": limits.memory})
        return msgspec.msgpack.encode(Failed(because, traceback.format_exc()))
    except BaseException as error:  # noqa: BLE001 - also SystemExit: the parent logs and reports it
        return msgspec.msgpack.encode(Failed(failure_of(error), traceback.format_exc()))


def _limit(limits: ProcessLimits) -> None:
    _set(resource.RLIMIT_CPU, math.ceil(limits.seconds) + _CPU_MARGIN)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_AS, _address_space() + limits.memory * _MIB)
    with contextlib.suppress(OSError):  # not Linux, or forbidden
        Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM, encoding="ascii")


def _set(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    allowed = [one for one in (value, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(limit, (min(allowed, default=resource.RLIM_INFINITY), hard))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not Linux
        return 0
    return pages * resource.getpagesize()
