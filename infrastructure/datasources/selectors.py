"""Checks series selectors of PromQL, which operators write into the metric map.

Sources: "Querying basics", Prometheus documentation; "Syntax", RE2.
"""

import re

_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(.*)\})?", re.DOTALL)
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*(?:,|$)"""
)
_UNSUPPORTED = re.compile(r"\(\?(?:=|!|<=|<!)|\\[1-9]")
_FLAGS = re.compile(r"\(\?[imsU-]+\)")
_ONLY_IN_RE2 = re.compile(r"\\[pP](?:\{\^?\w+\}|\w)|\[\[:\^?\w+:\]\]|\\[zQECa]")


def selector_problem(text: str) -> str | None:
    """What is wrong with a series selector, None if it is valid."""
    found = _SELECTOR.fullmatch(text.strip())
    if found is None or not (found[1] or found[2]):
        return "it must be the name of a metric, or a name with label matchers in braces"
    rest = (found[2] or "").strip()
    while rest:
        matcher = _MATCHER.match(rest)
        if matcher is None:
            return f'{rest!r} is no label matcher, such as name=~"pattern"'
        label, operator, literal = matcher.groups()
        if operator in {"=~", "!~"}:
            pattern = literal[1:-1]
            if literal[0] != "`":
                pattern = re.sub(r"\\(.)", lambda one: one[1], pattern)
            problem = _pattern_problem(pattern)
            if problem is not None:
                return f"pattern {pattern!r} of label {label} is invalid: {problem}"
        rest = rest[matcher.end() :].strip()
    return None


def _pattern_problem(pattern: str) -> str | None:
    """What is wrong with a regular expression of RE2, as far as Python's can tell."""
    if _UNSUPPORTED.search(pattern):
        return "Prometheus supports neither lookarounds nor back-references"
    try:
        re.compile(_ONLY_IN_RE2.sub(".", _FLAGS.sub("", pattern)))
    except re.error as error:
        return str(error)
    return None
