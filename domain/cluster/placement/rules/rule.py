"""The two kinds of placement rules."""

from typing import Protocol

from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.reasons import Cause


class StaticRule(Protocol):
    """A rule that depends on the model only.

    Attributes:
        keys: int64[servers]; servers with equal keys get equal answers. None: all servers do.
    """

    keys: IntArray | None

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts], where the server may be; None for all hosts."""
        ...

    def why(self, server: int, host: int) -> Cause:
        """Why the server may not be on a host that ``allowed`` refuses."""
        ...


class BranchRule(Protocol):
    """A rule that depends on where servers are on a branch."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts], where the server may go; None for all hosts."""
        ...

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """Why the server may not go to a host that ``allowed`` refuses."""
        ...
