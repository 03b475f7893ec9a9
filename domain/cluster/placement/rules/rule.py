"""What a placement rule is."""

from typing import Protocol

from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.reasons import Cause


class StaticRule(Protocol):
    """A rule that depends on the model only: servers with equal keys get equal answers.

    Attributes:
        keys: int64[servers], which servers are alike; None when all are.
    """

    keys: IntArray | None

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts], where the server may be; None for anywhere."""
        ...

    def why(self, server: int, host: int) -> Cause:
        """Why the server may not be on a host that ``allowed`` refuses."""
        ...


class BranchRule(Protocol):
    """A rule that depends on where servers are on a branch."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts], where the server may go; None for anywhere."""
        ...

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """Why the server may not go to a host that ``allowed`` refuses."""
        ...
