"""The cycle collector, while many values are made that contain no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLD = 100_000
"""Allocations between two runs of the collector."""


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Runs the cycle collector less often.

    Events, rows and actions contain no cycles and are freed by their reference counts; searching
    them for cycles took a quarter of the time of a rebuild, and a tenth of that of a strategy.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], THRESHOLD), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
