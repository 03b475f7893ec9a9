"""Host aggregates: extra specs that require them; aggregates reserved for projects or traits."""

from collections.abc import Callable, Mapping

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow
from domain.cluster.placement.rules.rule import FlavorRule, StaticRule
from domain.cluster.placement.specs import RequiredProperties, required_properties, satisfies
from domain.cluster.table.columns import BoolArray, bools, frozen
from domain.kernel.reasons import Cause, Reason

AGGREGATE_MISMATCH = Reason("aggregate-mismatch", "{host} is in no aggregate that satisfies {key}")
TRAIT_MISSING = Reason("trait-missing", "{host} does not satisfy trait {trait}")

_TENANT = "filter_tenant_id"
_TRAIT = "trait:"


class AggregateMembership:
    """Which hosts are in which aggregate.

    A host is in an aggregate if Nova or Placement lists it there: their two lists may be out of
    step for a while.
    """

    def __init__(self, model: ComputeModel) -> None:
        self.aggregates = model.aggregates
        self.hosts: tuple[BoolArray, ...] = tuple(_members(model, a) for a in model.aggregates)
        self.keys = frozenset(key for a in model.aggregates for key in a.metadata)


def _members(model: ComputeModel, aggregate: AggregateRow) -> BoolArray:
    names = frozenset(aggregate.hosts)
    ids = {aggregate.id, aggregate.uuid} - {""}
    listed = bools(name in names for name in model.hosts.name)
    return listed | model.hosts.aggregates.where(lambda found: not ids.isdisjoint(found))


class AggregateExtraSpecs(FlavorRule):
    """A flavor's aggregate extra specs are satisfied by an aggregate of the host."""

    def __init__(self, model: ComputeModel, members: AggregateMembership) -> None:
        self._model = model
        self._members = members

    def allowed(self, specs: Mapping[str, str]) -> BoolArray | None:
        """bool[hosts]: every extra spec is satisfied."""
        wanted = self._required(specs).aggregate
        if not wanted:
            return None
        masks = [self._offering(key, value) for key, value in wanted]
        return np.asarray(np.logical_and.reduce(masks), dtype=np.bool_)

    def why(self, specs: Mapping[str, str], host: int) -> Cause:
        """The first extra spec that is not satisfied."""
        wanted = self._required(specs).aggregate
        missing = [f"{k}={v}" for k, v in wanted if not self._offering(k, v)[host]]
        return _mismatch(self._model, host, missing[0])

    def _required(self, specs: Mapping[str, str]) -> RequiredProperties:
        return required_properties(specs, self._members.keys)

    def _offering(self, key: str, wanted: str) -> BoolArray:
        mask = np.zeros(len(self._model.hosts), dtype=np.bool_)
        for aggregate, hosts in zip(self._members.aggregates, self._members.hosts, strict=True):
            offered = [v.strip() for v in aggregate.metadata.get(key, "").split(",")]
            if key in aggregate.metadata and any(satisfies(v, wanted) for v in offered):
                mask |= hosts
        return mask


class ReservedForProjects(StaticRule):
    """Aggregates with ``filter_tenant_id*`` accept only servers of the listed projects."""

    def __init__(self, model: ComputeModel, members: AggregateMembership) -> None:
        self._model = model
        self._reserved: list[tuple[frozenset[str], BoolArray]] = [
            (projects, hosts)
            for aggregate, hosts in zip(members.aggregates, members.hosts, strict=True)
            if (projects := _projects(aggregate))
        ]
        codes = model.servers.project_id.codes.astype(np.int64)
        self.keys = frozen(codes) if self._reserved else None

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts]: not reserved, or reserved for the server's project among others."""
        if not self._reserved:
            return None
        project = self._model.servers.project_id[server]
        closed = np.zeros(len(self._model.hosts), dtype=np.bool_)
        admitted = closed.copy()
        for projects, hosts in self._reserved:
            closed |= hosts
            if project in projects:
                admitted |= hosts
        return ~closed | admitted

    def why(self, server: int, host: int) -> Cause:  # noqa: ARG002 - the key says it
        """The host is reserved for other projects."""
        return _mismatch(self._model, host, _TENANT)


class ReservedForTraits(FlavorRule):
    """Aggregates with ``trait:X=required`` accept only servers that require X."""

    def __init__(self, model: ComputeModel, members: AggregateMembership) -> None:
        self._model = model
        self._keys = members.keys
        self._reserved: list[tuple[str, BoolArray]] = [
            (key.removeprefix(_TRAIT), hosts)
            for aggregate, hosts in zip(members.aggregates, members.hosts, strict=True)
            for key, value in sorted(aggregate.metadata.items())
            if key.startswith(_TRAIT) and value == "required"
        ]

    def allowed(self, specs: Mapping[str, str]) -> BoolArray | None:
        """bool[hosts]: not reserved for a trait that the server does not require."""
        mask = np.ones(len(self._model.hosts), dtype=np.bool_)
        for _, hosts in self._foreign(specs):
            mask &= ~hosts
        return mask if self._reserved else None

    def why(self, specs: Mapping[str, str], host: int) -> Cause:
        """The trait that the host is reserved for."""
        traits = [trait for trait, hosts in self._foreign(specs) if hosts[host]]
        return _mismatch(self._model, host, f"{_TRAIT}{traits[0]}")

    def _foreign(self, specs: Mapping[str, str]) -> list[tuple[str, BoolArray]]:
        required = required_properties(specs, self._keys).required
        return [entry for entry in self._reserved if entry[0] not in required]


class RequiredTraits(FlavorRule):
    """The host has the traits that a flavor requires and none that it forbids."""

    def __init__(self, model: ComputeModel) -> None:
        self._model = model

    def allowed(self, specs: Mapping[str, str]) -> BoolArray | None:
        """bool[hosts]: all required traits, no forbidden ones."""
        wanted = self._required(specs)
        if not wanted.required and not wanted.forbidden:
            return None
        return self._model.hosts.traits.where(_test(wanted))

    def why(self, specs: Mapping[str, str], host: int) -> Cause:
        """The first required trait that is missing, or forbidden trait that is present."""
        wanted = self._required(specs)
        found = self._model.hosts.traits[host]
        wrong = [trait for trait in wanted.required if trait not in found]
        wrong += [f"not {trait}" for trait in wanted.forbidden if trait in found]
        facts: dict[str, object] = {"host": self._model.hosts.name[host], "trait": wrong[0]}
        return Cause(TRAIT_MISSING, facts)

    def _required(self, specs: Mapping[str, str]) -> RequiredProperties:
        return required_properties(specs, frozenset())


def _test(wanted: RequiredProperties) -> Callable[[tuple[str, ...]], bool]:
    required, forbidden = frozenset(wanted.required), frozenset(wanted.forbidden)
    return lambda found: required.issubset(found) and forbidden.isdisjoint(found)


def _projects(aggregate: AggregateRow) -> frozenset[str]:
    lists = [v for key, v in aggregate.metadata.items() if key.startswith(_TENANT)]
    return frozenset(project.strip() for text in lists for project in text.split(","))


def _mismatch(model: ComputeModel, host: int, key: str) -> Cause:
    return Cause(AGGREGATE_MISMATCH, {"host": model.hosts.name[host], "key": key})
