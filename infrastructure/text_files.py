"""The reader of all text files that users write: configuration, rules, clusters, tokens."""

import codecs
from pathlib import Path

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NotText(ValueError):
    """A file is no text in UTF-8; the message names the line."""


def read_text(path: Path) -> str:
    """The text of a file, without the byte order mark that some editors write before it.

    Raises:
        OSError: the file cannot be read.
        NotText: it is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    return decoded(path.read_bytes())


def decoded(content: bytes) -> str:
    """The text of a file's content; see ``read_text``.

    Raises:
        NotText: it is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotText(f"line {line} is not in UTF-8") from error
