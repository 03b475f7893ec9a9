"""The processes of this machine, from /proc."""

from pathlib import Path

PROC = Path("/proc")


def children(parent: int, command: str = "") -> list[int]:
    """The children of a process whose command line has some text; zombies, too."""
    threads = (PROC / str(parent) / "task").glob("*/children")
    found = [int(word) for path in threads for word in _text(path).split()]
    return [pid for pid in found if command in _text(PROC / str(pid) / "cmdline")]


def _text(path: Path) -> str:
    try:
        return path.read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""
