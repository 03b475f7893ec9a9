"""The web view at ``/ui``: TypeScript in ``src/``, and the files made of it in ``static/``.

``make web`` makes the files. They are committed: an installation needs no Node.js.
"""

from importlib.resources import files
from types import MappingProxyType

FILES = MappingProxyType(
    {
        "index.html": "text/html; charset=utf-8",
        "app.js": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
)
"""The files that are served, and their content types."""


def content(name: str) -> bytes:
    """The content of one of ``FILES``."""
    return (files(__name__) / "static" / name).read_bytes()
