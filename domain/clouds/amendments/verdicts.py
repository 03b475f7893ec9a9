"""Which facts are let in, and why the others are not."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from domain.kernel.reasons import Because

S = TypeVar("S")

TOLERANCE = 5.0
"""Seconds by which the clocks of those who tell may be behind those of collectors: what was told
less long before a collection began is judged as if it might have been told after."""
REMEMBERED = 120.0
"""Seconds for which a deletion is remembered although a collection has confirmed it since: what
is told of the deleted thing by whatever was at work on it then, must not bring it back."""


class Ignored(StrEnum):
    """Why a fact changes nothing. The value is stored in events, as the name of a count."""

    DUPLICATE = "duplicate"
    """It is known already."""
    OLDER = "older"
    """A later state of the thing is known."""
    GONE = "gone"
    """The thing was deleted; what is late about it must not bring it back."""
    COLLECTED = "collected"
    """The collection that the model is based on has seen this, or something later."""
    UNKNOWN_HOST = "unknown-host"
    """It is about a host that the model does not hold."""


@dataclass(frozen=True)
class Admission(Generic[S]):
    """What some facts come to.

    Attributes:
        facts: those that count, to be joined to the ones before.
        ignored: how many do not, by reason.
        changes: what they do to the model, in counts such as ``servers_moved``.
        unclear: what the facts leave open, and only a collection can tell.
    """

    facts: S
    ignored: Counter[Ignored] = field(default_factory=Counter)
    changes: dict[str, int] = field(default_factory=dict)
    unclear: tuple[Because, ...] = ()
