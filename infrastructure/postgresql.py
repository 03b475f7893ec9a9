"""Sessions of PostgreSQL, for the event log and the read models.

A session that reads but cannot write is of no use: it belongs to a standby, or began while the
database was read-only, and keeps that setting for as long as it lives. It is refused when it is
opened (``session_options``), and replaced when a statement shows it (``is_read_only``).
"""

from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

READ_ONLY = psycopg.errors.ReadOnlySqlTransaction.sqlstate
"""25006: also the statement of a session whose settings were changed while it was open."""
_CLASS_OF_ACCESS = "42"
"""An unknown table or column, a missing privilege; never caused by a row."""


def session_options(url: str) -> dict[str, str]:
    """Connection parameters of sessions that can write, unless the URL chooses its own.

    libpq opens a session at each host of the URL until one of them accepts writes.
    """
    if "target_session_attrs" in conninfo_to_dict(url):
        return {}
    return {"target_session_attrs": "read-write"}


def for_reading(url: str) -> str:
    """The URL for sessions that only read, also at a standby; unchanged for another database."""
    if not url.startswith(("postgresql:", "postgres:")) or not session_options(url):
        return url
    return f"{url}{'&' if '?' in url else '?'}target_session_attrs=any"


def read_only(url: str) -> str:
    """The URL for sessions that refuse to write."""
    option, url = quote("-c default_transaction_read_only=on"), for_reading(url)
    return f"{url}{'&' if '?' in url else '?'}options={option}"


def is_read_only(error: BaseException | None) -> bool:
    """Whether a session refused a statement because it cannot write."""
    return isinstance(error, psycopg.Error) and error.sqlstate == READ_ONLY


def is_outage(error: BaseException) -> bool:
    """Whether an error of psycopg says that the database cannot be used now."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or is_read_only(error):
        return True
    state = getattr(error, "sqlstate", None)
    return isinstance(error, psycopg.ProgrammingError) and (state or "").startswith(
        _CLASS_OF_ACCESS
    )
