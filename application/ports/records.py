from typing import Protocol


class Records(Protocol):
    """Immutable, content-addressed records that lie beside the log."""

    def put(self, content: bytes) -> str:
        """Stores content; returns its SHA-256 in hex. Storing it again changes nothing."""
        ...

    def get(self, digest: str) -> bytes:
        """The content with a digest, verified.

        Raises:
            KeyError: there is none.
            ValueError: what is stored does not have the digest.
        """
        ...
