"""Names in configuration files that are no option, for the log of a start."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby

Names = Mapping[str, Collection[str]]
"""Section → the names of its options."""

_SIMILAR = 0.75
"""How similar (0 to 1) a name is to an option that was probably meant."""


def unused_lines(ignored: Iterable[tuple[str, str, str]], known: Names) -> Iterator[str]:
    """A line for each file.

    Args:
        ignored: (file, section, name) of the names, in the order of the files.
        known: all options.
    """
    for path, entries in groupby(ignored, key=lambda one: one[0]):
        parts = [
            _part(section, [name for _, _, name in names], known)
            for section, names in groupby(entries, key=lambda one: one[1])
        ]
        yield f"{path}: options that are not used: {'; '.join(parts)}"


def _part(section: str, names: Sequence[str], known: Names) -> str:
    if section not in known:
        meant = get_close_matches(section, known, 1, _SIMILAR)
        hint = f" (is [{meant[0]}] meant?)" if meant else ""
        return f"[{section}] {', '.join(names)}{hint}"
    return f"[{section}] {', '.join(_hinted(name, known[section]) for name in names)}"


def _hinted(name: str, known: Collection[str]) -> str:
    meant = get_close_matches(name, known, 1, _SIMILAR)
    return f"{name} (is `{meant[0]}` meant?)" if meant else name
