"""Options that a plug-in declares; the operator sets them in the configuration file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NoOptions:
    """The options of a plug-in that has none."""
