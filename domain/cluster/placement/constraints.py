"""All placement rules of a model, evaluated as arrays over hosts.

docs/constraints.md lists the rules. ``domain.cluster.verifier`` checks the same rules with its own
code; property tests compare the two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from domain.cluster.compute.flavor import Flavor
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
from domain.cluster.placement.rules.rule import BranchRule, FlavorRule, Rule, StaticRule
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

    Attributes:
        classes: int64[servers]; ``suitable_hosts`` is the same for servers of a class.
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
        self._rules: Sequence[Rule] = (
            ServiceUp(),
            FullyObserved(model),
            AvailabilityZone(model, keep_zone=keep_zone),
            AggregateExtraSpecs(model, members),
            ReservedForProjects(model, members),
            ReservedForTraits(model, members),
            RequiredTraits(model),
            FencesAndBans(model, wanted),
            NotCurrentHost(model),
            ServiceEnabled(),
            Capacity(),
            NumaTopology(certain=numa_certain),
            Affinity(groups),
            AntiAffinity(groups),
            MigrationConcurrency(concurrency or ConcurrencyLimits()),
        )
        self._static = [r for r in self._rules if isinstance(r, StaticRule)]
        self._of_flavor = [r for r in self._rules if isinstance(r, FlavorRule)]
        self._dynamic: Sequence[BranchRule] = [
            r for r in self._rules if isinstance(r, BranchRule) and r.can_refuse
        ]
        specs = frozen(model.servers.extra_specs.codes.astype(np.int64))
        self.classes: IntArray = _equivalence_classes(
            [specs, *(rule.keys for rule in self._static)], len(model.servers)
        )
        self._cache: dict[object, BoolArray] = {}

    @property
    def movable(self) -> BoolArray:
        """bool[servers]: can be migrated."""
        return self.movability.movable

    def suitable_hosts(self, server: int, flavor: Flavor | None = None) -> BoolArray:
        """bool[hosts], immutable: where the rules that depend on no branch allow a server.

        Args:
            server: the server.
            flavor: its flavor, if it is another one than in the model.
        """
        kind: object = int(self.classes[server])
        if flavor is not None:
            kind = (kind, *sorted(flavor.extra_specs.items()))
        found = self._cache.get(kind)
        if found is None:
            found = self._cache[kind] = self._suitable(server, flavor)
        return found

    def legal_hosts(self, branch: Branch, server: int) -> BoolArray:
        """bool[hosts]: where a server may go on a branch."""
        if not self.movable[server]:
            return np.zeros(len(self.model.hosts), dtype=np.bool_)
        legal = self.suitable_hosts(server, branch.flavors.get(server)).copy()
        for rule in self._dynamic:
            mask = rule.allowed(branch, server)
            if mask is not None:
                legal &= mask
        return legal

    def is_legal(self, branch: Branch, server: int, host: int) -> bool:
        """Whether a server may go to a host."""
        suitable = self.suitable_hosts(server, branch.flavors.get(server))
        return bool(self.movable[server] and suitable[host]) and all(
            rule.allows(branch, server, host) for rule in self._dynamic
        )

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
        specs = branch.flavor(server).extra_specs
        for rule in self._rules:
            name = type(rule).__name__
            match rule:
                case StaticRule():
                    mask, reasons[name] = rule.allowed(server), partial(rule.why, server)
                case FlavorRule():
                    mask, reasons[name] = rule.allowed(specs), partial(rule.why, specs)
                case BranchRule():
                    mask = rule.allowed(branch, server)
                    reasons[name] = partial(rule.why, branch, server)
            masks[name] = everywhere if mask is None else mask
        fixed = self.movability.why_fixed(server)
        legal = np.logical_and.reduce(list(masks.values())) & (fixed is None)
        return HostExplanation(fixed, masks, legal, reasons)

    def why_not(self, branch: Branch, server: int, host: int) -> tuple[Cause, ...]:
        """The reason of every rule that refuses a host; empty if the server may go there."""
        return self.explain(branch, server).why_not(host)

    def _suitable(self, server: int, flavor: Flavor | None) -> BoolArray:
        specs = (flavor or Flavor.of(self.model.servers, server)).extra_specs
        masks = [rule.allowed(server) for rule in self._static]
        masks += [rule.allowed(specs) for rule in self._of_flavor]
        suitable = np.ones(len(self.model.hosts), dtype=np.bool_)
        for mask in masks:
            if mask is not None:
                suitable &= mask
        return frozen(suitable)


def _equivalence_classes(keys: Iterable[IntArray | None], servers: int) -> IntArray:
    """int64[servers]: equal for servers that have equal keys (int64[servers]) everywhere."""
    alike = np.zeros(servers, dtype=np.int64)
    for key in keys:
        if key is not None and servers:
            _, code = np.unique(key, return_inverse=True)
            _, alike = np.unique(alike * (code.max() + 1) + code, return_inverse=True)
    return alike
