"""The parts of a PromQL expression."""

import re
from dataclasses import dataclass


class BadQuery(Exception):
    """An expression that cannot be read or is not supported; answered with status 400."""


@dataclass(frozen=True)
class Matcher:
    """A condition on a label: ``=``, ``!=``, ``=~`` or ``!~``."""

    label: str
    operator: str
    value: str

    def accepts(self, labels: dict[str, str]) -> bool:
        """Whether a series' labels meet it (an absent label counts as empty)."""
        found = labels.get(self.label, "")
        if self.operator in {"=", "!="}:
            return (found == self.value) is (self.operator == "=")
        try:
            matched = re.fullmatch(self.value, found) is not None
        except re.error as bad:
            raise BadQuery(f"invalid regular expression {self.value!r}: {bad}") from None
        return matched is (self.operator == "=~")


@dataclass(frozen=True)
class NumberLiteral:
    """A literal."""

    value: float


@dataclass(frozen=True)
class Selector:
    """Series by name and labels.

    Attributes:
        window: seconds of a range selector, None for an instant one.
        offset: seconds back in time.
    """

    name: str
    matchers: tuple[Matcher, ...]
    window: float | None = None
    offset: float = 0.0


@dataclass(frozen=True)
class Subquery:
    """An expression evaluated at steps over a window: ``expr[window:step]``, both in seconds."""

    operand: "Expression"
    window: float
    step: float


@dataclass(frozen=True)
class FunctionCall:
    """A function and its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Aggregation:
    """``avg by (label) (…)`` and its kin."""

    operator: str
    labels: tuple[str, ...]
    without: bool
    operand: "Expression"


@dataclass(frozen=True)
class Binary:
    """Two operands.

    Attributes:
        on: labels that pair the sides; None: all labels but those in ``ignoring``.
    """

    operator: str
    left: "Expression"
    right: "Expression"
    on: tuple[str, ...] | None = None
    ignoring: tuple[str, ...] = ()


@dataclass(frozen=True)
class Negation:
    """A minus sign."""

    operand: "Expression"


Expression = NumberLiteral | Selector | Subquery | FunctionCall | Aggregation | Binary | Negation
