"""Reads what may be long page by page."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
PAGE = 500
"""Items read at a time."""


def paged(
    read: Callable[[int, int], Sequence[T]],
    place: Callable[[T], int],
    after: int = 0,
    size: int = PAGE,
) -> Iterator[T]:
    """All items after a place, read when they are needed.

    Args:
        read: the items after a place, in order, at most so many; none at the end.
        place: of an item.
        after: the place before the first one.
        size: items of a page.
    """
    while page := read(after, size):
        yield from page
        after = place(page[-1])
