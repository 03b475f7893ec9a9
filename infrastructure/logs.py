"""Logging of every process: plain lines or JSON, with request ids, without secrets."""

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

# Each takes time in proportion to the text, because texts of clients are masked, too: what one
# reads ends before the next place at which it can begin.
_SECRETS = (
    (re.compile(r"(://[^\s:/@]*+):(?!\d{1,5}/)(?:[^\s@:]|:(?!//))++@"), r"\1:***@"),
    (re.compile(r"(?<=,)([^\s:/@,]++):[^\s@/,]++@"), r"\1:***@"),  # further hosts of such a URL
    (re.compile(r"(\b(?:nats|tls)://)[^\s:/@]++@", re.IGNORECASE), r"\1***@"),
    (re.compile(r"\bgAAAA[\w=-]{20,}+"), "***"),  # Keystone's tokens
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}+", re.IGNORECASE), r"\1 ***"),
    # not after a word: "Unable to validate token: Identity server rejected authorization" is prose
    (
        re.compile(
            r"(?!(?<=\w )token: [A-Za-z]++ [a-z])"
            r"(?P<name>(?:password|passwd|secret|token|api[_-]?key)['\"]?\s*+[:=]\s*+)"
            r"(?P<quote>b?['\"]?)(?!\*\*\*)[^\s'\",;&}\])]++(?P<end>['\"]?)",
            re.IGNORECASE,
        ),
        r"\g<name>\g<quote>***\g<end>",
    ),
)


def scrubbed(text: str) -> str:
    """A text with secrets masked: passwords in URLs, tokens, keys, credentials."""
    for pattern, masked in _SECRETS:
        text = pattern.sub(masked, text)
    return text


@dataclass(frozen=True)
class LogContext:
    """The ids that are logged with the messages of a task.

    Attributes:
        request_id: of the HTTP request.
        correlation_id: of the audit run.
    """

    request_id: str = ""
    correlation_id: str = ""


_NOTHING = LogContext()
_CONTEXT: ContextVar[LogContext] = ContextVar("vigil_log_context", default=_NOTHING)


@contextmanager
def about(*, request_id: str | None = None, correlation_id: object | None = None) -> Iterator[None]:
    """Adds the id of a request or of an audit run to the messages of a block, in this thread."""
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


_UNSAFE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def one_line(text: str) -> str:
    """A text that is safe on a terminal: it cannot break the line or send control sequences.

    Control characters, line separators and changes of text direction are shown as escapes.
    """
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def _indented(text: str) -> str:
    """A text whose further lines cannot be taken for records: names in it are not Vigil's."""
    return "\n    ".join(one_line(line) for line in text.split("\n"))


class HumanFormatter(logging.Formatter):
    """``TIME LEVEL role logger: message [request run]``, and the traceback if there is one.

    Args:
        name_role: False if another prefix contains the role.
    """

    def __init__(self, *, name_role: bool = True) -> None:
        super().__init__()
        self._name_role = name_role

    def format(self, record: logging.LogRecord) -> str:
        """The line(s) of a record."""
        ids = " ".join(filter(None, (_get(record, "request_id"), _get(record, "correlation_id"))))
        role = f"{_get(record, 'role')} " if self._name_role else ""
        # the message without its logger: "….auth_token: word" would look like a secret
        text = _indented(scrubbed(record.getMessage()))
        line = f"{_time(record)} {record.levelname:<7} {role}{record.name}: {text}"
        if ids:
            line = f"{line} [{ids}]"
        if record.exc_info:
            line = f"{line}\n    {_indented(scrubbed(self.formatException(record.exc_info)))}"
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


_LEVEL = re.compile(
    r"(?P<command>vigil: error: )"  # how a command reports that it failed
    r"|\S+Z (?P<human>[A-Z]+) "
    r'|\{"time": "[^"]+", "level": "(?P<json>\w+)"'
    r"|\[\d+\] \S+ \S+ \[(?P<nats>[A-Z]+)\] "
)
_ERRORS = frozenset({"ERROR", "CRITICAL", "ERR", "FTL"})


def is_error(line: str) -> bool | None:
    """Whether a line of a process of Vigil (or of NATS) logs an error; None: it has no level."""
    found = _LEVEL.match(line)
    if found is None:
        return None
    level = found["human"] or found["json"] or found["nats"] or "ERROR"
    return level.upper() in _ERRORS


def _get(record: logging.LogRecord, name: str) -> str:
    return str(getattr(record, name, ""))


class Sink(Protocol):
    """The target of log lines: a text stream, or an object with the same ``write``."""

    def write(self, text: str, /) -> int:
        """Writes text."""
        ...


class _VigilHandler(logging.StreamHandler[TextIO | Sink]):
    """The one handler that ``configure`` puts on the root logger."""


CHATTY = ("urllib3", "keystoneauth", "openstack", "stevedore", "asyncio", "dogpile")
"""Libraries of which only warnings and errors are logged: they log too much."""


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
        role: of the process (``api``, ``applier``, …).
        instance: id of the process.
        level: debug, info, warning or error.
        form: human or json.
        stream: the target; None: standard error.
        name_role: whether human lines contain the role.
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


__all__ = [
    "HumanFormatter",
    "JsonFormatter",
    "LogContext",
    "about",
    "configure",
    "is_error",
    "scrubbed",
]
