import time
from collections.abc import Callable

DEADLINE = 20.0


def until(condition: Callable[[], object], what: str) -> None:
    """Waits until something is so, and fails if it does not become so."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)
