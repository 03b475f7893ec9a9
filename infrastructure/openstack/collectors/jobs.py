"""Runs the requests of a collection in parallel."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


class Jobs:
    """Jobs on a pool of threads. The first failure cancels the others."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._futures: list[Future[object]] = []

    def run(self, work: Callable[..., T], *args: object) -> "Future[T]":
        """Runs a job on the pool, in a copy of the caller's context: it has the correlation id."""
        future: Future[T] = self._pool.submit(copy_context().run, work, *args)
        self._futures.append(future)  # type: ignore[arg-type]
        return future

    def wait(self) -> None:
        """Returns when all jobs are done, or raises the first failure."""
        done, pending = wait(self._futures, return_when=FIRST_EXCEPTION)
        for future in pending:
            future.cancel()
        for future in done:
            future.result()
        self._futures.clear()
