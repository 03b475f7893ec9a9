"""The rules by which facts are admitted to a model, for every kind of model."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from domain.cluster_models.amendments.amended_model import AmendedModel
from domain.cluster_models.amendments.facts import F, Fact, FactSet
from domain.kernel.reasons import Cause

S = TypeVar("S", bound=FactSet)
A = TypeVar("A", bound=AmendedModel[Any, Any])

TOLERANCE = 5.0
"""Seconds by which a sender's clock may be behind a collector's. A fact that was sent up to this
long before a collection began is judged as if it was sent after."""
REMEMBERED = 120.0
"""Seconds for which a deletion is kept although a collection has confirmed it: late messages about
the deleted resource must not bring it back."""


class Ignored(StrEnum):
    """Why a fact is ignored. The value is stored in events, as the name of a count."""

    DUPLICATE = "duplicate"
    """The fact is already known."""
    OLDER = "older"
    """A later state of the resource is known."""
    GONE = "gone"
    """The resource was deleted."""
    COLLECTED = "collected"
    """The collection has read this state, or a later one."""
    UNKNOWN_HOST = "unknown-host"
    """The fact is about a host that the model does not hold."""


@dataclass(frozen=True)
class Admission(Generic[S, A]):
    """The result of judging some facts.

    Attributes:
        facts: those that were admitted.
        amended: the collected model with these facts and the earlier ones.
        ignored: number of facts that were not admitted, by reason.
        changes: effects on the model, in counts such as ``servers_moved``.
        unclear: what only a collection can answer.
    """

    facts: S
    amended: A
    ignored: Counter[Ignored] = field(default_factory=Counter)
    changes: dict[str, int] = field(default_factory=dict)
    unclear: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class AdmissionRules:
    """Judges facts against one collection.

    Attributes:
        since: seconds since the epoch; the collection has seen what was sent earlier.
    """

    since: float

    def is_early(self, fact: Fact) -> bool:
        """Whether the collection has seen what the fact reports."""
        return fact.stamp.at < self.since

    def state(self, before: F | None, fact: F) -> Ignored | None:
        """The rule for states: the later one counts."""
        return Ignored.COLLECTED if self.is_early(fact) else in_order(before, fact)

    def deletion(self, fact: Fact, *, is_shown: bool) -> Ignored | None:
        """The rule for deletions: they count while the collection shows the resource, and later.

        This includes deletions that the collection should have seen: a deletion is never undone.
        """
        if is_shown or fact.stamp.at >= self.since - REMEMBERED:
            return None
        return Ignored.COLLECTED


def in_order(before: F | None, fact: F) -> Ignored | None:
    """Of two facts about one resource the later one counts."""
    if before is None or fact.stamp > before.stamp:
        return None
    return Ignored.DUPLICATE if fact.stamp == before.stamp else Ignored.OLDER


def after_deletion(fact: Fact) -> Ignored:
    """No fact about a deleted resource counts."""
    return Ignored.DUPLICATE if fact.gone else Ignored.GONE


def admit(
    known: A,
    new: S,
    judge: Callable[[Any], Ignored | None],
    changes: Callable[[A, A, S], Counter[str]],
    unclear: Callable[[A, A, S], Iterable[Cause]],
) -> Admission[S, A]:
    """Judges each fact against the collection and against the facts admitted before.

    Args:
        known: the collected model, with the facts that were admitted so far.
        new: facts in any order.
        judge: returns why a fact is ignored; None if it is admitted.
        changes: counts the effects: model before, model after, admitted facts. Facts without an
            effect may count under an empty name.
        unclear: what only a collection can answer: model before, model after, new facts.
    """
    ignored: Counter[Ignored] = Counter()

    def is_news(fact: Fact) -> bool:
        why = judge(fact)
        if why is not None:
            ignored[why] += 1
        return why is None

    admitted = new.filtered(is_news)
    after = type(known)(known.base, known.facts.joined(admitted))
    counts = sorted(changes(known, after, admitted).items())
    return Admission(
        facts=admitted,
        amended=after,
        ignored=ignored,
        changes={name: count for name, count in counts if name},
        unclear=tuple(unclear(known, after, new)),
    )


def carry_over(
    known: A, base: Any, since: float, admit_kind: Callable[[A, Any, float], Admission[Any, A]]
) -> Admission[Any, A]:
    """Judges the facts of a model again, against a new collection that may not have seen them.

    Args:
        known: the amended model until now.
        base: the new collection's model.
        since: seconds since the epoch; the new collection has seen what was sent earlier.
        admit_kind: ``admit_compute`` or ``admit_storage``.
    """
    amended_type = type(known)
    fresh = amended_type(base, type(known.facts)())
    admission = admit_kind(fresh, known.facts, since)
    facts = admission.facts.filtered(  # a collection may show what was deleted long before it
        lambda fact: not (fact.gone and fact.stamp.at < since and fresh.is_shown(fact.id))
    )
    return replace(admission, facts=facts, amended=amended_type(base, facts))


def row_change(noun: str, place: str, before: object | None, after: object | None) -> str:
    """The name of the count for a row's change; empty if it did not change.

    Args:
        noun: for example ``servers``.
        place: attribute of the rows; a row whose place differs has moved.
        before: the row, None if there was none.
        after: the row, None if there is none.
    """
    if before == after:
        return ""
    if before is None or after is None:
        return f"{noun}_added" if before is None else f"{noun}_removed"
    moved = getattr(before, place) != getattr(after, place)
    return f"{noun}_moved" if moved else f"{noun}_changed"
