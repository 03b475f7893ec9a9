"""The port to the operator's placement rules outside of scopes."""

from typing import Protocol


class RulesUnreadable(Exception):
    """The rules cannot be read; the message says why."""


class RulesDocument(Protocol):
    """A document with rules, in the form of the ``rules`` of a scope.

    Attributes:
        name: of the document, for errors.
    """

    name: str

    def read(self) -> object:
        """The document as it is now, as plain values.

        Raises:
            RulesUnreadable: it cannot be read.
        """
        ...
