"""Texts of failed connections, without the inner errors of the HTTP libraries."""

import re

_INNER = (
    (re.compile(r"HTTPS?ConnectionPool\(host='[^']*', port=\d+\): "), ""),
    (
        re.compile(r"Max retries exceeded with url: \S+ \(Caused by \w+\((['\"]?)(.*)\1\)\)"),
        r"\2",
    ),
    (re.compile(r"(?:HTTPS?Connection\(host='[^']*', port=\d+\)|<[\w.]+ object at \w+>): "), ""),
    (re.compile(r"\[Errno -?\d+\] "), ""),
)


def plain(text: str) -> str:
    """The text of an exception of requests or keystoneauth, without the classes that it quotes."""
    for pattern, kept in _INNER:
        text = pattern.sub(kept, text)
    return text
