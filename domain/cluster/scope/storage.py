"""Storage scopes: the backends, pools and volumes that an audit covers.

``[{"storage": [rule, …]}]``. Include rules (``availability_zones``, ``volume_types``) select
backends, the union of them all, with their pools and volumes; without any, everything is selected.
Include rules that match nothing select nothing, with a note. ``exclude`` removes pools (with their
volumes) and volumes, by id or project.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from domain.cluster.scope.parser import (
    NO_NAMES,
    Names,
    read_list,
    read_map,
    read_names,
    refuse_mixed_wildcards,
    refuse_unknown_keys,
    rules_of,
)
from domain.cluster.scope.reasons import SCOPE_NAME_UNKNOWN, STORAGE_EMPTY
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import BoolArray, bools
from domain.kernel.reasons import Cause

_INCLUDES = frozenset({"availability_zones", "volume_types"})
_RULES = _INCLUDES | {"exclude"}
_EXCLUDES: Mapping[str, str] = {"storage_pools": "name", "volumes": "uuid", "projects": "uuid"}


@dataclass(frozen=True)
class StorageSelection:
    """What a storage scope selects in a model.

    Attributes:
        nodes: bool[nodes], in scope.
        pools: bool[pools], in scope.
        volumes: bool[volumes], in scope.
        unplaced: bool[unplaced], volumes in no pool that are not excluded.
        notes: names in the scope that match nothing, and whether nothing is selected.
    """

    nodes: BoolArray
    pools: BoolArray
    volumes: BoolArray
    unplaced: BoolArray
    notes: tuple[Cause, ...]


@dataclass(frozen=True)
class StorageScope:
    """A storage scope.

    Attributes:
        includes: whether there are include rules; empty ones select nothing.
        zones: zones whose backends are included.
        volume_types: types whose backends are included.
        without_pools: excluded pools (by name), with their volumes.
        without_volumes: excluded volumes (by id).
        without_projects: projects whose volumes are excluded.
    """

    includes: bool = False
    zones: Names = NO_NAMES
    volume_types: Names = NO_NAMES
    without_pools: Names = NO_NAMES
    without_volumes: Names = NO_NAMES
    without_projects: Names = NO_NAMES

    def select(self, model: StorageModel) -> StorageSelection:
        """Evaluates the scope on a model."""
        nodes = self._included(model)
        pools = nodes[model.pools.node]
        pools = pools & ~bools(name in self.without_pools for name in model.pools.name)
        volumes = pools[model.volumes.pool] & ~self._excluded(model.volumes)
        notes = self._unknown(model)
        if not pools.any():
            notes = (*notes, Cause(STORAGE_EMPTY))
        return StorageSelection(nodes, pools, volumes, ~self._excluded(model.unplaced), notes)

    def apply(self, model: StorageModel) -> tuple[StorageModel, StorageSelection]:
        """The model within the scope, and what was selected."""
        chosen = self.select(model)
        masks = (chosen.nodes, chosen.pools, chosen.volumes, chosen.unplaced)
        return model.restrict(*masks), chosen

    def _excluded(self, volumes: VolumeColumns) -> BoolArray:
        named = bools(key in self.without_volumes for key in volumes.id)
        return named | volumes.project_id.where(lambda project: project in self.without_projects)

    def _included(self, model: StorageModel) -> BoolArray:
        if not self.includes:
            return np.ones(len(model.nodes), dtype=np.bool_)
        in_zone = model.nodes.zone.where(lambda zone: zone in self.zones)
        return in_zone | model.nodes.volume_types.where(self._of_type)

    def _of_type(self, types: tuple[str, ...]) -> bool:
        return self.volume_types.all or not self.volume_types.names.isdisjoint(types)

    def _unknown(self, model: StorageModel) -> tuple[Cause, ...]:
        served = {name for names in model.nodes.volume_types.table for name in names}
        known = {
            "availability zone": (self.zones, set(model.nodes.zone.table)),
            "volume type": (self.volume_types, served | {kind.name for kind in model.types}),
            "storage pool": (self.without_pools, set(model.pools.name)),
            "volume": (self.without_volumes, {*model.volumes.id, *model.unplaced.id}),
        }
        return tuple(
            Cause(SCOPE_NAME_UNKNOWN, {"kind": kind, "name": name})
            for kind, (wanted, found) in known.items()
            for name in sorted(wanted.names - found)
        )


def parse_storage_scope(scope: object, *, allow_mixed_wildcards: bool = False) -> StorageScope:
    """Reads the storage rules of a scope.

    Args:
        scope: the JSON list; None, the empty list and one without storage rules mean everything.
        allow_mixed_wildcards: accept a wildcard next to names, to validate only the form.

    Raises:
        InvalidValue: names the bad field, such as
            ``scope[0].storage[1].exclude[0].volumes[2].uuid``.
    """
    path, rules = rules_of("storage", scope)
    result = StorageScope()
    for place, rule in enumerate(rules):
        result = _with_rule(result, f"{path}[{place}]", rule)
    if not allow_mixed_wildcards:
        refuse_mixed_wildcards(path, rules)
    return result


def _with_rule(scope: StorageScope, path: str, data: object) -> StorageScope:
    rule = read_map(path, data)
    refuse_unknown_keys(path, rule.keys(), _RULES)
    zones = read_names(f"{path}.availability_zones", rule.get("availability_zones", []), "name")
    types = read_names(f"{path}.volume_types", rule.get("volume_types", []), "name")
    scope = replace(
        scope,
        includes=scope.includes or not _INCLUDES.isdisjoint(rule),
        zones=scope.zones | zones,
        volume_types=scope.volume_types | types,
    )
    for place, item in enumerate(read_list(f"{path}.exclude", rule.get("exclude", []))):
        scope = _with_exclusion(scope, f"{path}.exclude[{place}]", item)
    return scope


def _with_exclusion(scope: StorageScope, path: str, data: object) -> StorageScope:
    item = read_map(path, data)
    refuse_unknown_keys(path, item.keys(), frozenset(_EXCLUDES))
    found = {
        key: read_names(f"{path}.{key}", item.get(key, []), attribute)
        for key, attribute in _EXCLUDES.items()
    }
    return replace(
        scope,
        without_pools=scope.without_pools | found["storage_pools"],
        without_volumes=scope.without_volumes | found["volumes"],
        without_projects=scope.without_projects | found["projects"],
    )
