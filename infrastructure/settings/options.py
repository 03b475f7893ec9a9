"""An option: its place in the configuration file, its type, its default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infrastructure.settings.option_types import OptionType, as_text

Named = Mapping[tuple[str, str], Any]
"""(section, name) → value, of the options declared before."""


@dataclass(frozen=True)
class Derived:
    """A default that depends on the machine or on other options.

    Attributes:
        text: its description.
        compute: returns it, given the values of the options declared before.
    """

    text: str
    compute: Callable[[Named], Any]


def variable(section: str, name: str) -> str:
    """The environment variable of an option."""
    section = section.removeprefix("watcher_")
    prefix = "" if section in {"DEFAULT", "vigil"} else f"{section}_"
    return f"VIGIL_{prefix}{name}".replace(".", "_").upper()


@dataclass(frozen=True)
class Option:
    """An option.

    Attributes:
        section, name: its place in the file; Watcher's if Watcher has the option.
        kind: parses and checks its text.
        default: a value of that type, None for "not set", or ``Derived``.
        help: what it does, with the unit.
        secret: never shown.
    """

    section: str
    name: str
    kind: OptionType
    default: Any
    help: str
    secret: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Section and name."""
        return self.section, self.name

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"[{self.section}] {self.name}"

    @property
    def place(self) -> str:
        """Its name on the command line."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return variable(self.section, self.name)

    @property
    def default_text(self) -> str:
        """Its default as documentation shows it."""
        if isinstance(self.default, Derived):
            return self.default.text
        return as_text(self.default) or "not set"


def option(
    place: str,
    kind: OptionType,
    default: Any,
    help: str,  # noqa: A002 - as argparse and oslo.config call it
    *,
    secret: bool = False,
) -> Any:
    """Declares a field of a settings class as an option.

    Args:
        place: ``section.name``; the section may contain dots.
        kind: its type.
        default: its value if no source sets it.
        help: what it does.
        secret: whether output masks it.
    """
    section, _, name = place.rpartition(".")
    return field(metadata={"option": Option(section, name, kind, default, help, secret=secret)})
