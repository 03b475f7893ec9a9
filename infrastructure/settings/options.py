"""An option: where operators write it, what it may be, and what it is if nobody says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infrastructure.settings.kinds import Kind, as_text

Named = Mapping[tuple[str, str], Any]
"""(section, name) → value, of the options that come before."""


@dataclass(frozen=True)
class Derived:
    """A default that depends on the machine or on other options.

    Attributes:
        text: what it is, for people.
        compute: finds it from the values of the options that were declared before.
    """

    text: str
    compute: Callable[[Named], Any]


@dataclass(frozen=True)
class Option:
    """One thing that can be chosen.

    Attributes:
        section, name: its place in the file, as the original has it where it has one.
        kind: what its text must be.
        default: a value of the kind, None for "not set", or ``Derived``.
        help: what it does, with the unit.
        secret: never shown.
    """

    section: str
    name: str
    kind: Kind[Any]
    default: Any
    help: str
    secret: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Its identity."""
        return self.section, self.name

    @property
    def label(self) -> str:
        """How it is called in a message."""
        return f"[{self.section}] {self.name}"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        section = self.section.removeprefix("watcher_")
        prefix = "" if section in {"DEFAULT", "vigil"} else f"{section}_"
        return f"VIGIL_{prefix}{self.name}".replace(".", "_").upper()

    @property
    def default_text(self) -> str:
        """The default, for people."""
        if isinstance(self.default, Derived):
            return self.default.text
        return as_text(self.default) or "not set"


def option(
    place: str,
    kind: Kind[Any],
    default: Any,
    help: str,  # noqa: A002 - as argparse and oslo.config call it
    *,
    secret: bool = False,
) -> Any:
    """A field of a settings section.

    Args:
        place: ``section.name``; the section may have dots of its own.
        kind: what its text must be.
        default: used if no source names the option.
        help: what it does.
        secret: whether it is masked wherever it would be shown.
    """
    section, _, name = place.rpartition(".")
    return field(metadata={"option": Option(section, name, kind, default, help, secret=secret)})
