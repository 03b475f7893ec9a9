"""The kinds of values that options take: how text becomes a value, and the rule to name if not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class BadValue(ValueError):
    """A text is not a value of the kind; the kind's ``rule`` says what would be."""


class Kind(Protocol[T_co]):
    """How an option's text is understood."""

    @property
    def rule(self) -> str:
        """What a value must be, as a phrase that follows "must be"."""
        ...

    def parse(self, text: str) -> T_co:
        """The value.

        Raises:
            BadValue: the text breaks the rule.
        """
        ...


@dataclass(frozen=True)
class Text:
    """Any text that is not empty."""

    rule: str = "a text"

    def parse(self, text: str) -> str:
        """As ``Kind`` says."""
        if not text.strip():
            raise BadValue
        return text.strip()


@dataclass(frozen=True)
class Choice:
    """One word of several."""

    choices: tuple[str, ...]

    @property
    def rule(self) -> str:
        """As ``Kind`` says."""
        return f"one of {', '.join(self.choices)}"

    def parse(self, text: str) -> str:
        """As ``Kind`` says."""
        word = text.strip().lower()
        if word not in self.choices:
            raise BadValue
        return word


@dataclass(frozen=True)
class Words:
    """Several words of a choice, each once, one of them always.

    Attributes:
        needed: the word that may not be missing.
    """

    choices: tuple[str, ...]
    needed: str

    @property
    def rule(self) -> str:
        """As ``Kind`` says."""
        listed = ", ".join(self.choices)
        return f"some of {listed} with commas between them, each once, {self.needed} among them"

    def parse(self, text: str) -> tuple[str, ...]:
        """As ``Kind`` says."""
        words = tuple(part.strip().lower() for part in text.split(",") if part.strip())
        known = set(words) <= set(self.choices) and len(set(words)) == len(words)
        if not known or self.needed not in words:
            raise BadValue
        return words


@dataclass(frozen=True)
class _Range(Generic[T]):
    minimum: T | None = None
    maximum: T | None = None

    def _named(self, noun: str) -> str:
        if self.minimum is None:
            return noun
        if self.maximum is None:
            return f"{noun}, at least {self.minimum}"
        return f"{noun} from {self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Integer(_Range[int]):
    """A whole number within bounds (both included)."""

    @property
    def rule(self) -> str:
        """As ``Kind`` says."""
        return self._named("a whole number")

    def parse(self, text: str) -> int:
        """As ``Kind`` says."""
        try:
            value = int(text)
        except ValueError:
            raise BadValue from None
        if self.minimum is not None and value < self.minimum:
            raise BadValue
        if self.maximum is not None and value > self.maximum:
            raise BadValue
        return value


@dataclass(frozen=True)
class Number(_Range[float]):
    """A number within bounds (both included)."""

    @property
    def rule(self) -> str:
        """As ``Kind`` says."""
        return self._named("a number")

    def parse(self, text: str) -> float:
        """As ``Kind`` says."""
        try:
            value = float(text)
        except ValueError:
            raise BadValue from None
        low = float("-inf") if self.minimum is None else self.minimum
        high = float("inf") if self.maximum is None else self.maximum
        if not low <= value <= high or value in {float("inf"), float("-inf")}:
            raise BadValue
        return value


_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    rule: str = "true or false"

    def parse(self, text: str) -> bool:
        """As ``Kind`` says."""
        try:
            return _WORDS[text.strip().lower()]
        except KeyError:
            raise BadValue from None


@dataclass(frozen=True)
class File:
    """A path; ``~`` is the home directory, a relative path starts where the command was started."""

    rule: str = "a path"

    def parse(self, text: str) -> Path:
        """As ``Kind`` says."""
        if not text.strip():
            raise BadValue
        return Path(text.strip()).expanduser().absolute()


@dataclass(frozen=True)
class Files:
    """Paths with commas between them, each as ``File`` takes it."""

    rule: str = "paths with commas between them"

    def parse(self, text: str) -> tuple[Path, ...]:
        """As ``Kind`` says."""
        return tuple(File().parse(part) for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class Database:
    """The address of a database that is a file, or has a server."""

    rule: str = "sqlite:////path/of/a/file or postgresql://…"

    def parse(self, text: str) -> str:
        """As ``Kind`` says."""
        text = Url(("sqlite", "postgresql")).parse(text)
        path = text.removeprefix("sqlite:///")
        is_file = path not in (text, "") and ":memory:" not in path and "?" not in path
        if not is_file and not text.startswith("postgresql://"):
            raise BadValue
        return text


@dataclass(frozen=True)
class Url:
    """An address with one of several schemes."""

    schemes: tuple[str, ...]

    @property
    def rule(self) -> str:
        """As ``Kind`` says."""
        return f"a URL that starts with {' or '.join(f'{one}://' for one in self.schemes)}"

    def parse(self, text: str) -> str:
        """As ``Kind`` says."""
        text = text.strip()
        try:
            parts = urlsplit(text)
        except ValueError:
            raise BadValue from None
        if parts.scheme.lower() not in self.schemes or not (parts.netloc or parts.path):
            raise BadValue
        return text


@dataclass(frozen=True)
class Table:
    """Names with whole numbers: ``nop:70,migrate:30``."""

    minimum: int = 0

    @property
    def rule(self) -> str:
        """As ``Kind`` says."""
        return f"name:number pairs with commas between them, each number at least {self.minimum}"

    def parse(self, text: str) -> Mapping[str, int]:
        """As ``Kind`` says."""
        number = Integer(self.minimum)
        table: dict[str, int] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            name, colon, value = pair.partition(":")
            if not colon or not name.strip():
                raise BadValue
            table[name.strip()] = number.parse(value)
        return table


def as_text(value: object) -> str:
    """A value as it may be written into a file, so that its kind parses it back."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{number}" for name, number in value.items())
    if isinstance(value, tuple):
        return ",".join(as_text(one) for one in value)
    return "" if value is None else str(value)
