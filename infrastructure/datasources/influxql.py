"""Queries that operators wrote for one host or server, asked for many at once.

A template says ``{0}`` for the aggregate, ``{1}`` for the name of one host or server, ``{2}`` for
the period, ``{3}`` for the granularity and ``{4}`` for the retention policy. Where it is plain
that ``{1}`` is what a tag is compared with, one statement asks for all names and groups by the
tag. Any other template becomes one statement per name, many statements to a request.
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
    """A query template that cannot be filled in."""


@dataclass(frozen=True)
class Blanks:
    """What fills a template in, but for the name.

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
        BadTemplate: it has blanks that there is nothing for, or braces that are none.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            self._filled(Blanks("mean", 300, 300, "one_week"), "name")
        except (IndexError, KeyError, ValueError) as error:
            raise BadTemplate(f"{error!r} in {self.text!r}") from error

    @property
    def tag(self) -> str | None:
        """The tag that tells names apart in a statement for all; None: it takes one each."""
        compared = list(_COMPARED.finditer(self.text))
        names = sum(found.group(1) == "1" for found in _FIELD.finditer(self.text))
        if len(compared) != 1 or names != 1 or _SHAPED.search(self.text):
            return None
        return compared[0]["tag"].strip('"')

    def together(self, names: Sequence[str], blanks: Blanks) -> str:
        """One statement for all names; only if there is a ``tag``."""
        alternatives = "|".join(map(_literally, names))
        tag = f'"{self.tag}"'
        compared = f"{tag} =~ /^({alternatives})$/"
        before, _, after = _split(self.text)
        where = _fill(before, blanks) + compared + _fill(after, blanks)
        return f"{where} GROUP BY {tag}"

    def each(self, names: Sequence[str], blanks: Blanks) -> str:
        """One statement per name, in their order."""
        return ";".join(self._filled(blanks, name).rstrip("; ") for name in names)

    def _filled(self, blanks: Blanks, name: str) -> str:
        return _fill(self.text, blanks, name)


def safe(name: str) -> bool:
    """Whether a name can be put into a statement whatever is around it."""
    return _SAFE.fullmatch(name) is not None


def retention(period: float, periods: Mapping[str, int]) -> str:
    """The retention policy that surely holds a period: the shortest that is longer.

    If none is longer it is the longest that there is.
    """
    longer = [name for name, seconds in periods.items() if seconds > period]
    if longer:
        return min(longer, key=lambda name: (periods[name], name))
    return max(periods, key=lambda name: (periods[name], name)) if periods else ""


def _fill(text: str, blanks: Blanks, name: str = "") -> str:
    return text.format(blanks.aggregate, name, blanks.period, blanks.granularity, blanks.retention)


def _split(text: str) -> tuple[str, str, str]:
    found = _COMPARED.search(text)
    if found is None:
        raise BadTemplate(text)
    return text[: found.start()], found.group(), text[found.end() :]


def _literally(name: str) -> str:
    """A regular expression that matches a name, free of backslashes and slashes."""
    return re.sub(r"([^\w\-:@])", r"[\1]", name)
