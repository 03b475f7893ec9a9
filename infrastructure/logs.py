"""Logging for every process: lines for people or JSON, tied to requests, free of secrets."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TextIO

_SECRETS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE), r"\1:***@"),
    (re.compile(r"(,[^\s:/@,]+):[^\s@/,]+@"), r"\1:***@"),  # further hosts of such a URL
    (re.compile(r"(\b(?:nats|tls)://)[^\s:/@]+@", re.IGNORECASE), r"\1***@"),
    (re.compile(r"\bgAAAA[\w=-]{20,}"), "***"),  # Keystone's tokens, wherever they stand
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 ***"),
    (
        re.compile(
            r"(?P<name>[\w-]*(?:password|passwd|secret|token|api[_-]?key)['\"]?\s*[:=]\s*)"
            r"(?P<quote>b?['\"]?)(?!\*\*\*)[^\s'\",;&}\])]+(?P<end>['\"]?)",
            re.IGNORECASE,
        ),
        r"\g<name>\g<quote>***\g<end>",
    ),
)


def scrubbed(text: str) -> str:
    """A text without what looks like a secret: passwords in URLs, tokens, keys, credentials."""
    for pattern, masked in _SECRETS:
        text = pattern.sub(masked, text)
    return text


@dataclass(frozen=True)
class LogContext:
    """What the messages of a task are about.

    Attributes:
        request_id: the HTTP request that is being answered.
        correlation_id: the audit run that is being worked on.
    """

    request_id: str = ""
    correlation_id: str = ""


_NOTHING = LogContext()
_CONTEXT: ContextVar[LogContext] = ContextVar("vigil_log_context", default=_NOTHING)


@contextmanager
def about(*, request_id: str | None = None, correlation_id: object | None = None) -> Iterator[None]:
    """Ties what is logged inside to a request or to an audit run (threads have their own)."""
    known = _CONTEXT.get()
    token = _CONTEXT.set(
        replace(
            known,
            request_id=request_id or known.request_id,
            correlation_id=str(correlation_id or known.correlation_id),
        )
    )
    try:
        yield
    finally:
        _CONTEXT.reset(token)


class _ContextFilter(logging.Filter):
    """Adds role, instance and the current task's ids to every record."""

    def __init__(self, role: str, instance: str) -> None:
        super().__init__()
        self._role = role
        self._instance = instance

    def filter(self, record: logging.LogRecord) -> bool:
        known = _CONTEXT.get()
        record.role = self._role
        record.instance = self._instance
        record.request_id = known.request_id
        record.correlation_id = known.correlation_id
        return True


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class HumanFormatter(logging.Formatter):
    """``TIME LEVEL role logger: message [request run]`` and the traceback below, if any.

    Args:
        name_role: False where something else tells who speaks.
    """

    def __init__(self, *, name_role: bool = True) -> None:
        super().__init__()
        self._name_role = name_role

    def format(self, record: logging.LogRecord) -> str:
        """The line(s) of a record."""
        ids = " ".join(filter(None, (_get(record, "request_id"), _get(record, "correlation_id"))))
        who = f"{_get(record, 'role')} " if self._name_role else ""
        # the message apart from its logger: "….auth_token: word" would look like a secret itself
        said = scrubbed(record.getMessage())
        line = f"{_time(record)} {record.levelname:<7} {who}{record.name}: {said}"
        if ids:
            line = f"{line} [{ids}]"
        if record.exc_info:
            line = f"{line}\n{scrubbed(self.formatException(record.exc_info))}"
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object per record; absent ids are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "role": _get(record, "role"),
            "instance": _get(record, "instance"),
            "logger": record.name,
            "message": scrubbed(record.getMessage()),
            "request_id": _get(record, "request_id"),
            "correlation_id": _get(record, "correlation_id"),
            "pid": record.process,
        }
        if record.exc_info:
            fields["traceback"] = scrubbed(self.formatException(record.exc_info))
        return json.dumps({name: value for name, value in fields.items() if value != ""})


def _get(record: logging.LogRecord, name: str) -> str:
    return str(getattr(record, name, ""))


class Sink(Protocol):
    """Where lines go: a text stream, or anything that takes text like one."""

    def write(self, text: str, /) -> int:
        """Takes text."""
        ...


class _VigilHandler(logging.StreamHandler[TextIO | Sink]):
    """The one handler that ``configure`` puts on the root logger."""


CHATTY = ("urllib3", "keystoneauth", "openstack", "stevedore", "asyncio", "dogpile")
"""Libraries whose debug messages drown Vigil's; their warnings are shown."""


def configure(
    *,
    role: str,
    instance: str = "",
    level: str = "info",
    form: str = "human",
    stream: TextIO | Sink | None = None,
    name_role: bool = True,
) -> None:
    """Sets up logging for this process; a second call replaces the first one's handler.

    Args:
        role: which process this is (``api``, ``applier``, …).
        instance: id of this start of it.
        level: debug, info, warning or error.
        form: human or json.
        stream: where to; standard error unless given.
        name_role: whether human lines tell the role.
    """
    handler = _VigilHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else HumanFormatter(name_role=name_role))
    handler.addFilter(_ContextFilter(role, instance))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _VigilHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


__all__ = ["HumanFormatter", "JsonFormatter", "LogContext", "about", "configure", "scrubbed"]
