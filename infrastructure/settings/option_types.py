"""The types of options: those of oslo.config, and callables where it has none.

A type takes an option's text and returns its value, or raises ValueError. Its ``type_name`` is the
rule that messages and docs/configuration.md print: the phrase that follows "must be".
"""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from oslo_config import types


class RuleBroken(ValueError):
    """A text breaks the rule of its type; the message says what to do."""


class OptionType(Protocol):
    """What every type has; oslo.config's do."""

    type_name: str

    def __call__(self, value: Any) -> Any:
        """Returns the value of a text.

        Raises:
            ValueError: the text breaks the rule.
        """
        ...


class Integer(types.Integer):
    """A whole number within bounds, both included. oslo.config's would accept an empty text."""

    def __init__(
        self,
        min: int | None = None,  # noqa: A002 - as oslo.config
        max: int | None = None,  # noqa: A002 - likewise
    ) -> None:
        super().__init__(min, max, type_name=_bounded("a whole number", min, max))

    def __call__(self, value: Any) -> int:
        """Returns the number."""
        number = super().__call__(value)
        if number is None:
            raise ValueError(value)
        return int(number)


class Float(types.Float):
    """A finite number within bounds, both included. oslo.config's would accept nan."""

    def __init__(
        self,
        min: float | None = None,  # noqa: A002 - as oslo.config
        max: float | None = None,  # noqa: A002 - likewise
    ) -> None:
        super().__init__(min, max, type_name=_bounded("a number", min, max))

    def __call__(self, value: Any) -> float:
        """Returns the number."""
        number = super().__call__(value)
        if number is None or not math.isfinite(number):
            raise ValueError(value)
        return float(number)


def _bounded(noun: str, low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{noun} from {low} to {high}"
    limits = ("at least", low), ("at most", high)
    return "".join([noun, *(f", {word} {limit}" for word, limit in limits if limit is not None)])


class Choice(types.String):
    """One word of several, in lower case."""

    def __init__(self, *choices: str) -> None:
        rule = f"one of {', '.join(choices)}"
        super().__init__(choices=list(choices), ignore_case=True, type_name=rule)

    def __call__(self, value: Any) -> str:
        """Returns the word."""
        return super().__call__(value).lower()


class Interface(Choice):
    """An interface of an endpoint, also as ``internalURL``, which deployment tools write."""

    def __init__(self) -> None:
        super().__init__("public", "internal", "admin")

    def __call__(self, value: Any) -> str:
        """Returns the interface."""
        return super().__call__(re.sub("url$", "", str(value), flags=re.IGNORECASE))


def text(rule: str = "a text") -> types.String:
    """Any text that is not empty."""
    return types.String(type_name=rule)


class Choices(types.List):
    """Several words of a choice separated by commas, each once.

    Args:
        choices: the words.
        extra: another rule, as a phrase, and the predicate that checks it.
        further: further words, that plug-ins add; only asked for if a word is none of the choices.
    """

    def __init__(
        self,
        choices: Sequence[str],
        extra: tuple[str, Callable[[Sequence[str]], bool]],
        further: Callable[[], Collection[str]] = tuple,
    ) -> None:
        phrase, self._fits = extra
        self._words = choices
        self._further = further
        rule = f"some of {', '.join(choices)} separated by commas, each once, {phrase}"
        super().__init__(types.String(), type_name=rule, min_length=1)

    def __call__(self, value: Any) -> list[str]:
        """Returns the words."""
        words = [word.lower() for word in super().__call__(value)]
        unknown = set(words) - set(self._words)
        if unknown and not unknown <= set(self._further()):
            raise ValueError(value)
        if not words or len(set(words)) < len(words) or not self._fits(words):
            raise ValueError(value)
        return words


class File:
    """An absolute path; ``~`` is the home directory, a relative path starts in the working one."""

    type_name = "a path"

    def __call__(self, value: Any) -> Path:
        """Returns the path."""
        if not value:
            raise ValueError(value)
        return Path(value).expanduser().absolute()


class ServerUrl:
    """A URL with one of several schemes. Unlike oslo.config's, it may name several servers."""

    def __init__(self, *schemes: str) -> None:
        self._schemes = schemes
        self.type_name = f"a URL that starts with {' or '.join(f'{one}://' for one in schemes)}"

    def __call__(self, value: Any) -> str:
        """Returns the URL."""
        parts = urlsplit(value)
        if parts.scheme.lower() not in self._schemes or not (parts.netloc or parts.path):
            raise ValueError(value)
        return str(value)


class DatabaseUrl(ServerUrl):
    """The URL of a database: a SQLite file, or PostgreSQL; a driver of SQLAlchemy is left out."""

    _elsewhere = (
        "Vigil needs a database of its own: create an empty one in PostgreSQL, and set the option "
        "to its URL. docs/moving.md shows how to bring over what the MySQL database holds."
    )

    def __init__(self) -> None:
        super().__init__("sqlite", "postgresql")
        self.type_name = "sqlite:////path/of/a/file or postgresql://…"

    def __call__(self, value: Any) -> str:
        """Returns the URL."""
        if re.match(r"(mysql|mariadb)\b", value, re.IGNORECASE):
            raise RuleBroken(self._elsewhere)
        url = super().__call__(re.sub(r"^(\w+)\+\w+:", r"\1:", value))
        path = url.removeprefix("sqlite:///")
        is_file = path not in (url, "") and ":memory:" not in path and "?" not in path
        if not is_file and not url.startswith("postgresql://"):
            raise ValueError(value)
        return url


class PerMetric:
    """A text per metric. A text may contain commas and colons, which oslo.config's Dict refuses."""

    type_name = "metric:text pairs separated by commas"

    def __call__(self, value: Any) -> dict[str, str]:
        """Returns metric → text."""
        texts: dict[str, str] = {}
        for pair in re.split(r",\s*(?=(?:host|instance)_\w+\s*:)", value.rstrip(",")):
            metric, _, content = (part.strip() for part in pair.partition(":"))
            if not content or not re.fullmatch(r"(host|instance)_\w+", metric):
                raise ValueError(value)
            texts[metric] = content
        return texts


INTERFACE = Interface()
BOOLEAN = types.Boolean(type_name="true or false")
HOST = types.HostDomain(type_name="a host name or an IP address")
PORT = types.Port(1, type_name="a whole number from 1 to 65535")
PORT_OR_ZERO = types.Port(type_name="a whole number from 0 to 65535")
HTTP_URL = ServerUrl("http", "https")
API_KEY = types.String(
    regex="^[^:]+:[^:]+:[^:]+$", type_name="an API key of three parts separated by colons"
)
NAMES = types.List(HOST, type_name="host names or IP addresses separated by commas")
ORIGINS = types.List(
    types.String(regex=r"^https?://[^/\s]+$"),
    type_name="origins (scheme://host[:port], no slash at the end) separated by commas",
)
FILE = File()
FILES = types.List(
    FILE,  # type: ignore[arg-type] # any callable will do
    type_name="paths separated by commas",
)


def numbers_by_name(least: int) -> types.Dict:
    """Names with whole numbers: ``nop:70,migrate:30``."""
    rule = f"name:number pairs separated by commas, each number at least {least}"
    return types.Dict(Integer(least), type_name=rule)


def words_by_name(*words: str) -> types.Dict:
    """Names with one of some words: ``dummy:ANY,basic:ALWAYS``."""
    rule = f"name:word pairs separated by commas, each word {' or '.join(words)}"
    return types.Dict(types.String(choices=list(words), ignore_case=True), type_name=rule)


def accepts_empty(kind: OptionType) -> bool:
    """Whether an empty text in a file is a value, and not an option that is not set."""
    return bool(getattr(kind, "accepts_empty", False))


def parsed(kind: OptionType, value: str) -> Any:
    """The value of an option's text. Lists become tuples; empty parts between commas are ignored.

    Raises:
        ValueError: the text breaks the type's rule.
    """
    value = value.strip()
    if isinstance(kind, types.List | types.Dict):
        value = ",".join(part for part in value.split(",") if part.strip())
    elif not value and not accepts_empty(kind):
        raise ValueError(value)
    found = kind(value)
    return tuple(found) if isinstance(found, list) else found


def as_text(value: object) -> str:
    """A value as its type parses it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{number}" for name, number in value.items())
    if isinstance(value, tuple):
        return ",".join(as_text(one) for one in value)
    return "" if value is None else str(value)
