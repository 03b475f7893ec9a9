"""Reasons are data: why something was or was not done, with the facts of its sentence.

Every rejection, skip, failure, deferral, empty plan and supersession carries a ``Cause``: the code
of a ``Reason``, the facts of its sentence, and the sentence itself, so that a record can be read
without the code that declared the reason. A reason is declared beside the code that gives it. The
codes of plug-ins start with a name of their own and a dot (``acme.rack-full``). docs/reasons.md
lists the product's reasons.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from types import MappingProxyType
from typing import Self

from domain.kernel.aggregate import JsonObject

_declared: dict[str, "Reason"] = {}
_later: list[Callable[[], object]] = []


class Reason(str):
    """A declared reason; as a string it is its code.

    Args:
        code: stable code, as stored in events.
        sentence: with ``{name}`` for each fact.
        units: fact → unit, for the facts that have one.

    Attributes:
        code: the code, a plain string.
        sentence: see above.
        facts: names of the facts of the sentence → unit, empty for names and texts.
    """

    __slots__ = ("code", "facts", "sentence")

    code: str
    sentence: str
    facts: Mapping[str, str]

    def __new__(cls, code: str, sentence: str, **units: str) -> Self:
        """Declares a reason.

        Raises:
            ValueError: another reason has the code, or a unit names no fact of the sentence.
        """
        reason = super().__new__(cls, code)
        names = dict.fromkeys(name for _, name, _, _ in Formatter().parse(sentence) if name)
        unknown = set(units) - set(names)
        if unknown:
            raise ValueError(f"reason {code}: {sorted(unknown)} are no facts of its sentence")
        reason.code, reason.sentence = str.__str__(code), sentence
        reason.facts = MappingProxyType({name: units.get(name, "") for name in names})
        known = _declared.setdefault(reason.code, reason)
        if known.sentence != sentence:
            raise ValueError(f"reason {code} is declared twice")
        return reason


def declared() -> Mapping[str, Reason]:
    """The reasons of the modules imported so far, by code."""
    return MappingProxyType(_declared)


def declare_later(declare: Callable[[], object]) -> None:
    """Has further reasons declared when the sentence of an undeclared one is needed.

    Args:
        declare: imports the modules; it may be called several times, and by any thread.
    """
    _later.append(declare)


def _reason(code: str) -> "Reason | None":
    if code not in _declared:
        for declare in _later:
            declare()
    return _declared.get(code)


@dataclass(frozen=True)
class Cause:
    """A reason with its facts, as stored in events.

    Attributes:
        reason: code of the reason.
        facts: of its sentence, and further ones.
        text: the sentence; empty in events of versions that did not store it.
    """

    reason: str
    facts: JsonObject = field(default_factory=dict)
    text: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Renders the sentence of a declared reason."""
        reason = self.reason
        if isinstance(reason, Reason):
            object.__setattr__(self, "reason", reason.code)
            object.__setattr__(self, "text", render(reason, self.facts))

    def naming(self, names: Mapping[str, str]) -> "Cause":
        """The same, with other words for some facts (a name beside an id), also in its sentence."""
        facts = {
            fact: names.get(value, value) if isinstance(value, str) else value
            for fact, value in self.facts.items()
        }
        reason = _reason(self.reason)
        return self if facts == self.facts or reason is None else Cause(reason, facts)

    def __str__(self) -> str:
        """The sentence."""
        if self.text:
            return self.text
        reason = _reason(self.reason)
        return self.reason if reason is None else render(reason, self.facts)


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def render(reason: Reason, facts: JsonObject) -> str:
    """The sentence of a reason, from its facts. Never fails: a missing fact shows as ``<name>``."""
    try:
        return reason.sentence.format_map(facts)
    except KeyError:
        return reason.sentence.format_map(_Blank(facts))


CANCELLED_BY_USER = Reason("cancelled-by-user", "Cancelled by user.")
INTERNAL_ERROR = Reason("internal-error", "Internal error: {error}")
OWNER_LOST = Reason("owner-lost", "Worker {owner} was lost; {successor} took over.")
OWNER_RETIRED = Reason("owner-retired", "Worker {owner} stopped; {successor} took over.")
OWNER_RESUMED = Reason("owner-resumed", "Worker {owner} resumed its own claim.")
OWNER_STOPPING = Reason("owner-stopping", "Worker {owner} is stopping and released its claim.")
