"""Which facts are let in, and why the others are not."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from domain.cluster_models.amendments.facts import Fact
from domain.kernel.reasons import Cause

S = TypeVar("S")
A_co = TypeVar("A_co", covariant=True)
F = TypeVar("F", bound=Fact)

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
class Admission(Generic[S, A_co]):
    """What some facts come to.

    Attributes:
        facts: those that count.
        over: the collected model with them and the ones before: what is known from now on.
        ignored: how many do not, by reason.
        changes: what they do to the model, in counts such as ``servers_moved``.
        unclear: what the facts leave open, and only a collection can tell.
    """

    facts: S
    over: A_co
    ignored: Counter[Ignored] = field(default_factory=Counter)
    changes: dict[str, int] = field(default_factory=dict)
    unclear: tuple[Cause, ...] = ()


class Deletable(Protocol):
    """A fact about a thing that can be deleted, for ever."""

    @property
    def gone(self) -> bool:
        """Whether it tells of the deletion."""
        ...


@dataclass(frozen=True)
class DuplicateFilter:
    """Counts the facts that are no news, by reason."""

    ignored: Counter[Ignored] = field(default_factory=Counter)

    def is_news(self, why: Ignored | None) -> bool:
        """Whether a fact is news: there is no reason why not."""
        if why is not None:
            self.ignored[why] += 1
        return why is None


def in_order(before: F | None, fact: F) -> Ignored | None:
    """Of two facts about one thing the later one counts."""
    if before is None or fact.stamp > before.stamp:
        return None
    return Ignored.DUPLICATE if fact.stamp == before.stamp else Ignored.OLDER


def after_deletion(fact: Deletable) -> Ignored:
    """Nothing counts that is told of what is known to be deleted."""
    return Ignored.DUPLICATE if fact.gone else Ignored.GONE


def deletion(fact: Fact, since: float, *, shown: bool) -> Ignored | None:
    """A deletion counts while the collection shows the thing, and for a while after.

    Also where the collection ought to have known: a deletion is never undone.
    """
    return None if shown or fact.stamp.at >= since - REMEMBERED else Ignored.COLLECTED


def named(counts: Counter[str]) -> dict[str, int]:
    """Counts by name, in order; what changed nothing was counted under no name."""
    return {name: count for name, count in sorted(counts.items()) if name}
