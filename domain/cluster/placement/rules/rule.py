"""The kinds of placement rules."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.reasons import Cause


class StaticRule(ABC):
    """A rule that depends on the model only.

    Attributes:
        keys: int64[servers]; servers with equal keys get equal answers. None: all servers do.
    """

    keys: IntArray | None = None

    @abstractmethod
    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts], where the server may be; None for all hosts."""

    @abstractmethod
    def why(self, server: int, host: int) -> Cause:
        """Why the server may not be on a host that ``allowed`` refuses."""


class FlavorRule(ABC):
    """A rule that depends on the model and on the extra specs of the server's flavor."""

    @abstractmethod
    def allowed(self, specs: Mapping[str, str]) -> BoolArray | None:
        """bool[hosts], where a server with such extra specs may be; None for all hosts."""

    @abstractmethod
    def why(self, specs: Mapping[str, str], host: int) -> Cause:
        """Why it may not be on a host that ``allowed`` refuses."""


class BranchRule(ABC):
    """A rule that depends on the state of a branch.

    Attributes:
        can_refuse: False if it refuses no server of its model, on any branch.
    """

    can_refuse = True

    @abstractmethod
    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts], where the server may go; None for all hosts."""

    def allows(self, branch: Branch, server: int, host: int) -> bool:
        """Whether the server may go to one host: what ``allowed`` says of it."""
        mask = self.allowed(branch, server)
        return mask is None or bool(mask[host])

    @abstractmethod
    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """Why the server may not go to a host that ``allowed`` refuses."""


Rule = StaticRule | FlavorRule | BranchRule
