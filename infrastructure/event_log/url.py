from pathlib import Path

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL (``sqlite:////absolute/path``), None for a PostgreSQL URL.

    Raises:
        ValueError: it is neither. The message does not contain the URL: it may hold a password.
    """
    if url.startswith(_POSTGRES):
        return None
    path = url.removeprefix(_SQLITE)
    if path == url:
        scheme = url.partition(":")[0]
        raise ValueError(f"an event log URL begins with sqlite:/// or postgresql://, not {scheme}:")
    if not path or ":memory:" in path or "?" in path:
        raise ValueError("an event log on SQLite needs the path of a file: sqlite:////var/lib/…")
    return Path(path).absolute()
