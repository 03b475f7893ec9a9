"""Options that a plug-in declares; the operator sets them in the configuration file.

A plug-in's options are a frozen dataclass whose fields are made by ``option``::

    @dataclass(frozen=True)
    class Limits:
        degrees: float = option(25.0, "Highest temperature of the inlet, C.", least=0)
        zones: tuple[str, ...] = option((), "Availability zones to leave alone.")

A field's type is ``bool``, ``int``, ``float``, ``str``, one of these or None, ``tuple[str, ...]``
or ``Mapping[str, int]``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

O = TypeVar("O")  # noqa: E741 - options

METADATA: Final = "plugin-option"
"""Key of the declaration in a field's metadata."""


@dataclass(frozen=True)
class NoOptions:
    """The options of a plug-in that has none."""


NO_OPTIONS: Final = NoOptions()


@dataclass(frozen=True)
class DeclaredOption:
    """What a plug-in says of an option, beside its type and default.

    Attributes:
        help: what it does, with the unit.
        least, most: of a number; None: no limit.
        choices: the words that a text may be; empty: any.
        secret: never shown.
    """

    help: str
    least: float | None = None
    most: float | None = None
    choices: Sequence[str] = ()
    secret: bool = False


def option(
    default: object,
    help: str,  # noqa: A002 - as argparse and oslo.config call it
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    secret: bool = False,
) -> Any:
    """Declares a field of a plug-in's options.

    Args:
        default: its value if the operator does not set it; a callable that makes one, for tables.
        help: what it does.
        least: smallest number.
        most: largest number.
        choices: the words that a text may be.
        secret: whether output masks it.
    """
    metadata = {METADATA: DeclaredOption(help, least, most, choices, secret)}
    if callable(default):
        return field(default_factory=_factory(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def options_as(options: object, kind: type[O]) -> O:
    """Options as the class that a plug-in declares.

    Raises:
        TypeError: they are of another class.
    """
    if not isinstance(options, kind):
        raise TypeError(f"the options are {options!r}, not {kind.__name__}")
    return options


def _factory(make: Callable[[], object]) -> Callable[[], object]:
    return make
