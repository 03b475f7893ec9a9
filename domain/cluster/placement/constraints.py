"""All placement rules of a model, evaluated as arrays over hosts.

docs/constraints.md lists the rules. ``domain.cluster.verifier`` checks the same rules with its own
code; property tests compare the two.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.movability import Movability
from domain.cluster.placement.rules.aggregates import (
    AggregateExtraSpecs,
    AggregateMembership,
    RequiredTraits,
    ReservedForProjects,
    ReservedForTraits,
)
from domain.cluster.placement.rules.capacity import Capacity
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits, MigrationConcurrency
from domain.cluster.placement.rules.groups import Affinity, AntiAffinity, GroupIndex, SoftGroups
from domain.cluster.placement.rules.hosts import (
    FullyObserved,
    NotCurrentHost,
    ServiceEnabled,
    ServiceUp,
)
from domain.cluster.placement.rules.numa import NumaTopology, unchecked_moves
from domain.cluster.placement.rules.operator import FencesAndBans, OperatorRules
from domain.cluster.placement.rules.rule import BranchRule, StaticRule
from domain.cluster.placement.rules.zones import AvailabilityZone
from domain.cluster.table.columns import BoolArray, IntArray, frozen
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class HostExplanation:
    """Where a server may go, rule by rule. Valid until the branch changes.

    Attributes:
        fixed: why the server cannot be moved at all; None if it can.
        masks: rule name → bool[hosts], True where the rule allows the server.
        legal: bool[hosts], True where all rules allow it.
        reasons: rule name → the reason for refusing a host.
    """

    fixed: Cause | None
    masks: Mapping[str, BoolArray]
    legal: BoolArray
    reasons: Mapping[str, Callable[[int], Cause]]

    def why_not(self, host: int) -> tuple[Cause, ...]:
        """The reason of every rule that refuses a host; empty if the server may go there."""
        refused = [self.reasons[rule](host) for rule, mask in self.masks.items() if not mask[host]]
        return tuple(refused) if self.fixed is None else (self.fixed, *refused)


class Constraints:
    """The placement rules of a model.

    Args:
        model: the model.
        operator: the operator's own rules.
        concurrency: limits on moves in flight.
        keep_zone: whether a server that is pinned to no zone stays in the one it is in.
        numa_certain: whether a server with a NUMA topology may go only where it certainly fits;
            otherwise it may go where it is not known to be too large.
    """

    def __init__(
        self,
        model: ComputeModel,
        operator: OperatorRules | None = None,
        concurrency: ConcurrencyLimits | None = None,
        *,
        keep_zone: bool = True,
        numa_certain: bool = False,
    ) -> None:
        wanted = operator or OperatorRules()
        members = AggregateMembership(model)
        groups = GroupIndex(model, wanted.groups())
        self.model = model
        self.movability = Movability(model)
        self._soft = SoftGroups(groups)
        self._static: Sequence[StaticRule] = (
            ServiceUp(model),
            FullyObserved(model),
            AvailabilityZone(model, keep_zone=keep_zone),
            AggregateExtraSpecs(model, members),
            ReservedForProjects(model, members),
            ReservedForTraits(model, members),
            RequiredTraits(model),
            FencesAndBans(model, wanted),
        )
        self._dynamic: Sequence[BranchRule] = (
            NotCurrentHost(),
            ServiceEnabled(),
            Capacity(),
            NumaTopology(certain=numa_certain),
            Affinity(groups),
            AntiAffinity(groups),
            MigrationConcurrency(concurrency or ConcurrencyLimits()),
        )
        self._classes = _equivalence_classes(self._static, len(model.servers))
        self._cache: dict[int, BoolArray] = {}

    @property
    def movable(self) -> BoolArray:
        """bool[servers]: can be migrated."""
        return self.movability.movable

    def suitable_hosts(self, server: int) -> BoolArray:
        """bool[hosts], immutable: where the static rules allow a server."""
        kind = int(self._classes[server])
        found = self._cache.get(kind)
        if found is None:
            found = self._cache[kind] = self._suitable(server)
        return found

    def legal_hosts(self, branch: Branch, server: int) -> BoolArray:
        """bool[hosts]: where a server may go on a branch."""
        if not self.movable[server]:
            return np.zeros(len(self.model.hosts), dtype=np.bool_)
        legal = self.suitable_hosts(server).copy()
        for rule in self._dynamic:
            mask = rule.allowed(branch, server)
            if mask is not None:
                legal &= mask
        return legal

    def is_legal(self, branch: Branch, server: int, host: int) -> bool:
        """Whether a server may go to a host."""
        return bool(self.legal_hosts(branch, server)[host])

    def soft_penalty(self, branch: Branch, server: int) -> IntArray | None:
        """int64[hosts]: violations of soft group policies; None if there is no such group."""
        return self._soft.penalty(branch, server)

    def notes(self, branch: Branch) -> tuple[Cause, ...]:
        """What the rules could not check about the moves of a branch."""
        unknown = unchecked_moves(branch)
        return () if unknown is None else (unknown,)

    def explain(self, branch: Branch, server: int) -> HostExplanation:
        """Where a server may go, rule by rule."""
        everywhere = np.ones(len(self.model.hosts), dtype=np.bool_)
        masks: dict[str, BoolArray] = {}
        reasons: dict[str, Callable[[int], Cause]] = {}
        for rule in self._static:
            masks[type(rule).__name__] = _or(rule.allowed(server), everywhere)
            reasons[type(rule).__name__] = partial(rule.why, server)
        for moving in self._dynamic:
            masks[type(moving).__name__] = _or(moving.allowed(branch, server), everywhere)
            reasons[type(moving).__name__] = partial(moving.why, branch, server)
        fixed = self.movability.why_fixed(server)
        legal = np.logical_and.reduce(list(masks.values())) & (fixed is None)
        return HostExplanation(fixed, masks, legal, reasons)

    def why_not(self, branch: Branch, server: int, host: int) -> tuple[Cause, ...]:
        """The reason of every rule that refuses a host; empty if the server may go there."""
        return self.explain(branch, server).why_not(host)

    def _suitable(self, server: int) -> BoolArray:
        suitable = np.ones(len(self.model.hosts), dtype=np.bool_)
        for rule in self._static:
            mask = rule.allowed(server)
            if mask is not None:
                suitable &= mask
        return frozen(suitable)


def _or(mask: BoolArray | None, otherwise: BoolArray) -> BoolArray:
    return otherwise if mask is None else mask


def _equivalence_classes(rules: Sequence[StaticRule], servers: int) -> IntArray:
    """int64[servers]: equal for servers that all static rules treat alike."""
    alike = np.zeros(servers, dtype=np.int64)
    for rule in rules:
        if rule.keys is not None and servers:
            _, code = np.unique(rule.keys, return_inverse=True)
            _, alike = np.unique(alike * (code.max() + 1) + code, return_inverse=True)
    return alike
