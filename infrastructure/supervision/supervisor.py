"""Keeps child processes running: one loop, one thread."""

import contextlib
import logging
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from types import FrameType

from application.kernel.retry import RetryPolicy
from infrastructure.process import ending
from infrastructure.supervision.child import (
    CannotStart,
    Child,
    ChildSpec,
    ChildState,
)
from infrastructure.supervision.state import ChildReport

LOG = logging.getLogger(__name__)

Output = Callable[[str, bytes], None]
"""Writes a line of a child: (its name, the line without its end)."""

TICK = 0.1
"""Seconds between two checks of children that are not ready yet …"""
IDLE = 1.0
"""… and of others; a signal wakes the loop earlier."""
RESTART_POLICY = RetryPolicy(first_pause=0.5, longest_pause=30.0)
HEALTHY_AFTER = 60.0
KILLED_WITHIN = 5.0
"""Seconds in which a killed process must end."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that stop the tree, except those ignored at its start (``nohup``)."""


class NotReady(Exception):
    """A vital child did not become ready."""


class Supervisor:
    """Starts children stage by stage, restarts those that end, and stops all in reverse order.

    ``run`` must be called on the main thread of a process without other threads: it handles the
    signals, and the kernel ends a child with the thread that started it.

    Args:
        specs: the children.
        output: writes their lines.
        changed: called after every change of a child's state.
        ready: called once, when all stages are ready.
        restart_policy: pauses before a child that ended is started again.
        healthy_after: seconds of readiness after which the pauses start from the first again.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        output: Output,
        changed: Callable[[tuple[ChildReport, ...]], None],
        ready: Callable[[], None],
        restart_policy: RetryPolicy = RESTART_POLICY,
        healthy_after: float = HEALTHY_AFTER,
    ) -> None:
        self._children = [Child(spec) for spec in sorted(specs, key=lambda one: one.stage)]
        self._output = output
        self._changed = changed
        self._ready = ready
        self._restart_policy = restart_policy
        self._healthy_after = healthy_after
        self._selector = selectors.DefaultSelector()
        self._stopping = 0
        self._is_starting = True

    def run(self) -> None:
        """Runs the children until SIGTERM or SIGINT; stops all of them before it returns.

        Raises:
            NotReady: a vital child did not become ready; all children were stopped.
        """
        with self._signals():
            try:
                self._start_stages()
                self._is_starting = False
                if not self._stopping:
                    self._ready()
                while not self._stopping:
                    self._step()
            finally:
                self._shut_down()

    # -- start -------------------------------------------------------------------------------

    def _start_stages(self) -> None:
        for _, stage in groupby(self._children, key=lambda child: child.spec.stage):
            members = list(stage)
            for child in members:
                self._start(child)
            while not self._stopping and not all(map(self._settled, members)):
                self._step()

    def _settled(self, child: Child) -> bool:
        """Whether its stage need not wait for it any longer."""
        if child.state in {ChildState.READY, ChildState.DONE}:
            return True
        failed = child.failures > 0
        if failed and child.spec.vital:
            raise NotReady(f"{child.spec.name} {child.failure}")
        return failed

    # -- one step of the loop --------------------------------------------------------------------

    def _step(self) -> None:
        now = time.monotonic()
        pending = {ChildState.STARTING, ChildState.BACKING_OFF}
        wait = TICK if any(child.state in pending for child in self._children) else IDLE
        for key, _ in self._selector.select(wait):
            if key.data is None:
                self._drain_wakeups(key.fd)
            else:
                self._read(key.data)
        now = time.monotonic()
        for child in self._children:
            self._check(child, now)

    def _check(self, child: Child, now: float) -> None:
        if child.process is not None and child.state in {ChildState.STARTING, ChildState.READY}:
            if child.process.poll() is not None:
                self._ended(child)
                return
            if child.state is ChildState.STARTING:
                self._check_ready(child, now)
            elif child.failures and now - child.since >= self._healthy_after:
                child.failures = 0
        elif child.state is ChildState.BACKING_OFF and now >= child.due:
            child.restarts += 1
            self._start(child)

    def _check_ready(self, child: Child, now: float) -> None:
        spec = child.spec
        if not spec.once and (spec.ready is None or spec.ready()):
            self._move(child, ChildState.READY)
        elif now - child.since > spec.ready_within:
            child.kill()
            self._reap(child)
            self._failed(child, f"was not ready after {spec.ready_within:g} s: killed")

    def _ended(self, child: Child) -> None:
        self._read(child)
        self._release(child)
        if child.spec.once and child.process is not None and child.process.returncode == 0:
            self._move(child, ChildState.DONE)
            return
        self._failed(child, f"ended with {self._ending(child)}")

    def _failed(self, child: Child, what: str) -> None:
        child.failures += 1
        child.failure = what
        delay = self._restart_policy.delay(child.failures)
        child.due = time.monotonic() + delay
        if self._is_starting and child.spec.vital:
            LOG.error("%s %s", child.spec.name, what)
        else:
            LOG.error("%s %s; restarting it in %g s", child.spec.name, what, delay)
        self._move(child, ChildState.BACKING_OFF)

    def _start(self, child: Child) -> None:
        now = time.monotonic()
        try:
            child.start(now)
        except CannotStart as error:
            self._failed(child, f"cannot be started: {error}")
            return
        if child.process is not None and child.process.stdout is not None:
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._changed(self.report())

    # -- helpers ---------------------------------------------------------------------------------

    def report(self) -> tuple[ChildReport, ...]:
        """The state of every child."""
        return tuple(
            ChildReport(
                name=child.spec.name, state=child.state, pid=child.pid, restarts=child.restarts
            )
            for child in self._children
        )

    def _move(self, child: Child, state: ChildState) -> None:
        child.move(state, time.monotonic())
        self._changed(self.report())

    def _read(self, child: Child) -> None:
        lines, closed = child.lines()
        for line in lines:
            self._output(child.spec.name, line)
        if closed:
            self._unregister(child)

    def _reap(self, child: Child) -> None:
        if child.process is not None:
            child.process.wait(timeout=KILLED_WITHIN)
            self._read(child)
            self._release(child)

    def _release(self, child: Child) -> None:
        self._unregister(child)
        child.finish()

    def _unregister(self, child: Child) -> None:
        if child.process is not None and child.process.stdout is not None:
            with contextlib.suppress(KeyError, ValueError):  # it was unregistered at end of file
                self._selector.unregister(child.process.stdout)

    @staticmethod
    def _ending(child: Child) -> str:
        code = child.process.returncode if child.process is not None else None
        return "no exit code" if code is None else ending(code)

    # -- stop ------------------------------------------------------------------------------

    def _shut_down(self) -> None:
        """Stops the children, last stage first: SIGTERM, wait, SIGKILL."""
        reverse = reversed(self._children)
        for _, stage in groupby(reverse, key=lambda child: child.spec.stage):
            self._end([child for child in stage if child.alive])
        for child in self._children:
            if child.state is not ChildState.DONE:
                child.move(ChildState.STOPPED, time.monotonic())
        self._changed(self.report())
        self._selector.close()

    def _end(self, children: list[Child]) -> None:
        started = time.monotonic()
        signals = self._stopping
        for child in children:
            child.terminate()
        left = children
        while left:
            for key, _ in self._selector.select(TICK):
                if key.data is None:
                    self._drain_wakeups(key.fd)
                else:
                    self._read(key.data)
            waited = time.monotonic() - started
            for child in left:
                if waited > child.spec.grace or self._stopping > max(signals, 1):
                    LOG.warning("%s did not stop: killed", child.spec.name)
                    child.kill()
                    self._reap(child)
                elif child.process is not None and child.process.poll() is not None:
                    self._read(child)
                    self._release(child)
            left = [child for child in left if child.alive]

    # -- signals ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop the loop, SIGCHLD wakes it; all use one pipe."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(reader, selectors.EVENT_READ, None)
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        wanted = {
            one: self._stop for one in STOP_SIGNALS if signal.getsignal(one) != signal.SIG_IGN
        }
        handlers = {
            one: signal.signal(one, handler)
            for one, handler in {**wanted, signal.SIGCHLD: _ignore}.items()
        }
        try:
            yield
        finally:
            for one, handler in handlers.items():
                signal.signal(one, handler)
            signal.set_wakeup_fd(before)
            os.close(reader)
            os.close(writer)

    def _stop(self, signum: int, _frame: FrameType | None) -> None:
        self._stopping += 1
        LOG.info(
            "%s: %s",
            signal.Signals(signum).name,
            "stopping" if self._stopping == 1 else "killing the remaining processes",
        )

    @staticmethod
    def _drain_wakeups(descriptor: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(descriptor, 512):
                pass


def _ignore(_signum: int, _frame: FrameType | None) -> None:
    """Does nothing: Python writes to the wake-up pipe only for signals with a handler."""
