"""Compute scopes: the hosts and servers that an audit covers.

A scope is a JSON list of objects, each with rules of one kind: ``[{"compute": [rule, …]}, …]``. A
bare list of compute rules is the older form of the same. Include rules (``host_aggregates``,
``availability_zones``) select hosts, the union of them all; without any, every host is selected.
``exclude`` removes hosts, with their servers, and keeps servers in place (they still use
capacity). ``rules`` are the operator's own placement rules. Every key counts, also several in one
object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.scope.operator_rules import parse_rules
from domain.cluster.scope.parser import (
    KINDS,
    NO_NAMES,
    OPERATOR_RULES,
    WILDCARD,
    Names,
    names_of,
    read_list,
    read_map,
    read_names,
    read_string,
    refuse_mixed_wildcards,
    refuse_unknown_keys,
)
from domain.cluster.scope.reasons import MODEL_EMPTY, SCOPE_NAME_UNKNOWN
from domain.cluster.table.columns import BoolArray, bools
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause

_INCLUDES = frozenset({"host_aggregates", "availability_zones"})
_RULES = _INCLUDES | {"exclude", OPERATOR_RULES}
_EXCLUDES = frozenset(
    {"instances", "compute_nodes", "host_aggregates", "instance_metadata", "projects"}
)


@dataclass(frozen=True)
class AggregateNames:
    """Aggregates by id and by name."""

    ids: Names = NO_NAMES
    names: Names = NO_NAMES

    def __bool__(self) -> bool:
        return bool(self.ids) or bool(self.names)

    def __or__(self, other: "AggregateNames") -> "AggregateNames":
        return AggregateNames(self.ids | other.ids, self.names | other.names)

    def match(self, aggregate: AggregateRow) -> bool:
        """Whether the names include an aggregate."""
        if self.ids.all or self.names.all:
            return True
        return aggregate.id in self.ids.names or aggregate.name in self.names.names


@dataclass(frozen=True)
class ComputeSelection:
    """What a compute scope selects in a model.

    Attributes:
        hosts: bool[hosts], in scope.
        excluded: ids of servers that stay in place.
        notes: names in the scope that match nothing, and whether nothing is selected.
    """

    hosts: BoolArray
    excluded: frozenset[str]
    notes: tuple[Cause, ...]


@dataclass(frozen=True)
class ComputeScope:
    """A compute scope.

    Attributes:
        includes: whether there are include rules; empty ones select nothing.
        aggregates: aggregates whose hosts are included.
        zones: zones whose hosts are included.
        without_hosts: excluded hosts (by the name of the service or of the hypervisor).
        without_aggregates: aggregates whose hosts are excluded.
        fixed_servers: servers (by id) kept in place.
        fixed_projects: projects whose servers are kept in place.
        fixed_metadata: metadata key → value: a server that has *all* keys and, for at least one
            of them, the same value (ignoring case) is kept in place.
        rules: the operator's placement rules, servers and hosts as written.
    """

    includes: bool = False
    aggregates: AggregateNames = AggregateNames()
    zones: Names = NO_NAMES
    without_hosts: Names = NO_NAMES
    without_aggregates: AggregateNames = AggregateNames()
    fixed_servers: Names = NO_NAMES
    fixed_projects: Names = NO_NAMES
    fixed_metadata: Mapping[str, str] = field(default_factory=dict)
    rules: OperatorRules = field(default_factory=OperatorRules)

    def select(self, model: ComputeModel) -> ComputeSelection:
        """Evaluates the scope on a model."""
        hosts = self._included(model)
        hosts &= ~_hosts_of(model, self.without_aggregates)
        for names in (model.hosts.name, model.hosts.hypervisor_hostname):
            hosts &= ~bools(name in self.without_hosts for name in names)
        notes = self._unknown(model)
        if not hosts.any():
            notes = (*notes, Cause(MODEL_EMPTY))
        return ComputeSelection(hosts, self._fixed(model), notes)

    def apply(
        self, model: ComputeModel, rules: OperatorRules | None = None
    ) -> tuple[ComputeModel, ComputeSelection]:
        """The model within the scope, and what was selected.

        Args:
            model: the model of the whole cloud.
            rules: the resolved rules in force; the model keeps which of their servers are outside.
        """
        selection = self.select(model)
        grouped = frozenset[str]() if rules is None else rules.grouped()
        return model.restrict(selection.hosts, selection.excluded, grouped), selection

    def _included(self, model: ComputeModel) -> BoolArray:
        if not self.includes:
            return np.ones(len(model.hosts), dtype=np.bool_)
        in_zone = model.hosts.zone.where(lambda zone: zone in self.zones)
        return _hosts_of(model, self.aggregates) | in_zone

    def _fixed(self, model: ComputeModel) -> frozenset[str]:
        servers = model.servers
        fixed = bools(identity in self.fixed_servers for identity in servers.id)
        fixed = fixed | servers.project_id.where(lambda p: p in self.fixed_projects)
        fixed = fixed | servers.metadata.where(self._metadata_fixes)
        return frozenset(servers.id[row] for row in fixed.nonzero()[0])

    def _metadata_fixes(self, metadata: Mapping[str, str]) -> bool:
        wanted = self.fixed_metadata
        if not wanted or not all(key in metadata for key in wanted):
            return False
        return any(_text(metadata[key]) == _text(wanted[key]) for key in wanted)

    def _unknown(self, model: ComputeModel) -> tuple[Cause, ...]:
        aggregates = model.aggregates
        both = self.aggregates | self.without_aggregates
        known = {
            "aggregate id": (both.ids, {a.id for a in aggregates}),
            "aggregate": (both.names, {a.name for a in aggregates}),
            "availability zone": (self.zones, set(model.hosts.zone.table)),
            "compute node": (
                self.without_hosts,
                {*model.hosts.name, *model.hosts.hypervisor_hostname},
            ),
            "instance": (self.fixed_servers, {*model.servers.id, *model.unplaced.id}),
        }
        return tuple(
            Cause(SCOPE_NAME_UNKNOWN, {"kind": kind, "name": name})
            for kind, (wanted, found) in known.items()
            for name in sorted(wanted.names - found)
        )


def _text(value: object) -> str:
    return str(value).lower()


def _hosts_of(model: ComputeModel, wanted: AggregateNames) -> BoolArray:
    chosen = [aggregate for aggregate in model.aggregates if wanted.match(aggregate)]
    names = {name for aggregate in chosen for name in aggregate.hosts}
    ids = {key for aggregate in chosen for key in (aggregate.id, aggregate.uuid) if key}
    listed = bools(name in names for name in model.hosts.name)
    return listed | model.hosts.aggregates.where(lambda found: not ids.isdisjoint(found))


def parse_scope(scope: object, *, allow_mixed_wildcards: bool = False) -> ComputeScope:
    """Reads a compute scope.

    Args:
        scope: the JSON list; None and the empty list mean the whole cloud.
        allow_mixed_wildcards: accept a wildcard next to names, to validate only the form.

    Raises:
        InvalidValue: names the bad field, such as
            ``scope[0].compute[1].exclude[0].projects[2].uuid``.
    """
    path, rules = _compute_rules(scope)
    result = ComputeScope()
    for place, rule in enumerate(rules):
        result = _with_rule(result, f"{path}[{place}]", rule)
    if result.aggregates and result.without_aggregates:
        raise InvalidValue(path, "must not both include and exclude host_aggregates")
    if not allow_mixed_wildcards:
        refuse_mixed_wildcards(path, rules)
    return result


def _compute_rules(scope: object) -> tuple[str, Sequence[object]]:
    entries = [] if scope is None else read_list("scope", scope)
    for place, entry in enumerate(entries):
        path = f"scope[{place}]"
        keys = set(read_map(path, entry))
        if keys & _RULES:
            return "scope", entries
        refuse_unknown_keys(path, keys, KINDS)
    for place, entry in enumerate(entries):
        path = f"scope[{place}].compute"
        rules = read_list(path, read_map(path, entry).get("compute", []))
        if rules:
            return path, rules
    return "scope", []


def _with_rule(scope: ComputeScope, path: str, data: object) -> ComputeScope:
    rule = read_map(path, data)
    refuse_unknown_keys(path, rule.keys(), _RULES)
    excluded = read_list(f"{path}.exclude", rule.get("exclude", []))
    aggregates = _aggregates(f"{path}.host_aggregates", rule.get("host_aggregates", []))
    zones = read_names(f"{path}.availability_zones", rule.get("availability_zones", []), "name")
    scope = replace(
        scope,
        includes=scope.includes or not _INCLUDES.isdisjoint(rule),
        aggregates=scope.aggregates | aggregates,
        zones=scope.zones | zones,
    )
    if OPERATOR_RULES in rule:
        rules = parse_rules(f"{path}.{OPERATOR_RULES}", rule[OPERATOR_RULES])
        scope = replace(scope, rules=scope.rules | rules)
    for place, item in enumerate(excluded):
        scope = _with_exclusion(scope, f"{path}.exclude[{place}]", item)
    return scope


def _with_exclusion(scope: ComputeScope, path: str, data: object) -> ComputeScope:
    item = read_map(path, data)
    refuse_unknown_keys(path, item.keys(), _EXCLUDES)

    def names(key: str, attribute: str) -> Names:
        return read_names(f"{path}.{key}", item.get(key, []), attribute)

    aggregates = _aggregates(f"{path}.host_aggregates", item.get("host_aggregates", []))
    metadata = dict(scope.fixed_metadata)
    where = f"{path}.instance_metadata"
    for place, entry in enumerate(read_list(where, item.get("instance_metadata", []))):
        pairs = read_map(f"{where}[{place}]", entry)
        metadata.update({key: str(value) for key, value in pairs.items()})
    return replace(
        scope,
        without_hosts=scope.without_hosts | names("compute_nodes", "name"),
        without_aggregates=scope.without_aggregates | aggregates,
        fixed_servers=scope.fixed_servers | names("instances", "uuid"),
        fixed_projects=scope.fixed_projects | names("projects", "uuid"),
        fixed_metadata=metadata,
    )


def _aggregates(path: str, data: object) -> AggregateNames:
    items = read_list(path, data)
    ids: list[str] = []
    names: list[str] = []
    for place, item in enumerate(items):
        where = f"{path}[{place}]"
        found = read_map(where, item)
        refuse_unknown_keys(where, found.keys(), frozenset({"id", "name"}))
        if "id" in found:
            ids.append(_aggregate_id(f"{where}.id", found["id"]))
        if "name" in found:
            names.append(read_string(f"{where}.name", found["name"]))
    return AggregateNames(names_of(ids), names_of(names))


def _aggregate_id(path: str, value: object) -> str:
    if value == WILDCARD or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise InvalidValue(path, f"must be a whole number or {WILDCARD!r}, not {value!r}")
