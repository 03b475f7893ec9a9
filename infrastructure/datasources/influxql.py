"""Turns an operator's query template for one host or server into queries for many.

A template contains ``{0}`` for the aggregate, ``{1}`` for the name of one host or server, ``{2}``
for the period, ``{3}`` for the granularity and ``{4}`` for the retention policy. If it clearly
compares a tag with ``{1}``, one statement selects all names and groups by the tag. Any other
template becomes one statement per name, with many statements in a request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SAFE = re.compile(r"[\w.:@-]+")
_COMPARED = re.compile(
    r"""(?P<tag>"[^"]+"|\w+) \s* (?:
        =~ \s* / \^ \(? \{1\} \)? \$ /
      | = \s* ' \{1\} '
    )""",
    re.VERBOSE,
)
_SHAPED = re.compile(
    r"\b(group\s+by|order\s+by|limit|slimit|offset|into|fill)\b|;|\(\s*select\b", re.IGNORECASE
)
_FIELD = re.compile(r"\{(\d*)[^}]*\}")


class BadTemplate(ValueError):
    """A query template with unknown or malformed fields."""


@dataclass(frozen=True)
class TemplateValues:
    """The values of a template's fields, except the name.

    Attributes:
        aggregate: ``mean``, ``max`` or ``min``.
        period, granularity: whole seconds.
        retention: name of the retention policy.
    """

    aggregate: str
    period: int
    granularity: int
    retention: str


@dataclass(frozen=True)
class Template:
    """A query for one host or server.

    Attributes:
        text: as the operator wrote it.

    Raises:
        BadTemplate: it has unknown fields, or braces that are no fields.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            self._filled(TemplateValues("mean", 300, 300, "one_week"), "name")
        except (IndexError, KeyError, ValueError) as error:
            raise BadTemplate(f"{error!r} in {self.text!r}") from error

    @property
    def tag(self) -> str | None:
        """The tag by which a statement for all names is grouped; None: one statement per name."""
        compared = list(_COMPARED.finditer(self.text))
        names = sum(found.group(1) == "1" for found in _FIELD.finditer(self.text))
        if len(compared) != 1 or names != 1 or _SHAPED.search(self.text):
            return None
        return compared[0]["tag"].strip('"')

    def grouped(self, names: Sequence[str], values: TemplateValues) -> str:
        """One statement for all names; only if there is a ``tag``."""
        alternatives = "|".join(map(_literally, names))
        tag = f'"{self.tag}"'
        comparison = f"{tag} =~ /^({alternatives})$/"
        before, _, after = _split(self.text)
        where = _fill(before, values) + comparison + _fill(after, values)
        return f"{where} GROUP BY {tag}"

    def single(self, names: Sequence[str], values: TemplateValues) -> str:
        """One statement per name, in their order."""
        return ";".join(self._filled(values, name).rstrip("; ") for name in names)

    def _filled(self, values: TemplateValues, name: str) -> str:
        return _fill(self.text, values, name)


def safe(name: str) -> bool:
    """Whether a name needs no quoting in any part of a statement."""
    return _SAFE.fullmatch(name) is not None


def retention(period: float, periods: Mapping[str, int]) -> str:
    """The retention policy for a period: the shortest that is longer; if none is, the longest."""
    longer = [name for name, seconds in periods.items() if seconds > period]
    if longer:
        return min(longer, key=lambda name: (periods[name], name))
    return max(periods, key=lambda name: (periods[name], name)) if periods else ""


def _fill(text: str, values: TemplateValues, name: str = "") -> str:
    return text.format(values.aggregate, name, values.period, values.granularity, values.retention)


def _split(text: str) -> tuple[str, str, str]:
    found = _COMPARED.search(text)
    if found is None:
        raise BadTemplate(text)
    return text[: found.start()], found.group(), text[found.end() :]


def _literally(name: str) -> str:
    """A regular expression that matches a name, without backslashes and slashes."""
    return re.sub(r"([^\w\-:@])", r"[\1]", name)
