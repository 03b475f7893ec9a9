import re
from collections.abc import Iterator
from dataclasses import dataclass

from infrastructure.simulator.prometheus.promql.syntax import BadQuery

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI]nf\b|NaN\b)
  | (?P<name>[a-zA-Z_][a-zA-Z0-9_:]*)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<symbol>=~|!~|!=|==|>=|<=|[-+*/%^(){}\[\],=<>@:])
    """,
    re.VERBOSE,
)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True)
class Token:
    """A piece of an expression; ``kind`` is one of the pattern's group names or ``end``."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> Iterator[Token]:
    """The pieces of an expression, ending with one of kind ``end``.

    Raises:
        BadQuery: a character that means nothing.
    """
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadQuery(f"1:{place + 1}: parse error: unexpected character: {text[place]!r}")
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), place)
        place = match.end()
    yield Token("end", "", len(text))


def seconds(duration: str) -> float:
    """A duration such as ``1h30m`` in seconds."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    return float(sum(int(count) * _UNITS[unit] for count, unit in parts))


def unquoted(text: str) -> str:
    """The value of a string literal."""
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), text[1:-1])
