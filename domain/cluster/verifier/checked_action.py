"""What the verifier replays of an action."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckedAction:
    """The part of an action that concerns placement.

    Attributes:
        kind: what it does; ``other`` does not concern placement, or its outcome is unknown.
        server: index of the server to move, -1 if none.
        host: index of the destination, or of the host to enable, disable or switch; -1 if none.
        parents: indices of the actions that end before it starts.
    """

    kind: Literal["move", "enable", "disable", "power-on", "power-off", "other"]
    server: int
    host: int
    parents: tuple[int, ...]
