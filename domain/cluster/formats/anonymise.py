"""Replaces everything in a model that identifies its cloud; keeps what placement depends on.

Pseudonyms sort like the originals, so that strategies, which break ties by order, decide the same.
Sizes, states, topology, creation times, standard traits and standard extra specs stay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.disabled_reasons import DISABLED_BY_CONSOLIDATION
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow, GroupRow
from domain.cluster.formats.anonymise_others import anonymised_nodes, anonymised_storage
from domain.cluster.formats.portable import Values
from domain.cluster.formats.pseudonyms import ALIAS, SCOPED, TENANT, TRAIT, Pseudonyms
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import Coded, coded, map_key

_STANDARD = ("hw:", "resources")
"""Prefixes of standard extra specs, which are the same in every cloud."""
_PMEM = "hw:pmem"
"""A standard extra spec whose value is the operator's own labels; only their number matters."""


@dataclass(frozen=True)
class Models:
    """The models of a cloud; ``storage``, ``baremetal``: None if they were not read."""

    compute: ComputeModel
    storage: StorageModel | None = None
    baremetal: BaremetalModel | None = None


def anonymised(models: Models, metrics: Values) -> tuple[Models, Values]:
    """Returns models and metrics (name → id → value) with pseudonyms."""
    names = Pseudonyms(models.compute, models.storage, models.baremetal)
    storage, nodes = models.storage, models.baremetal
    figures = {
        metric: {names.resource(key): value for key, value in values.items() if names.knows(key)}
        for metric, values in metrics.items()
    }
    shown = Models(
        _compute(models.compute, names),
        None if storage is None else anonymised_storage(storage, names),
        None if nodes is None else anonymised_nodes(nodes, names),
    )
    return shown, figures


def _compute(model: ComputeModel, names: Pseudonyms) -> ComputeModel:
    hosts = model.hosts
    numbered = tuple(map(names.host, hosts.name))
    clean = replace(
        hosts,
        id=numbered,
        name=numbered,
        hypervisor_hostname=numbered,
        zone=coded(names.zone(zone) for zone in _each(hosts.zone)),
        disabled_reason=coded(_reason(text) for text in _each(hosts.disabled_reason)),
        traits=coded(tuple(sorted(map(names.trait, found))) for found in _each(hosts.traits)),
        aggregates=coded(
            tuple(sorted(map(names.aggregate, found))) for found in _each(hosts.aggregates)
        ),
        devices=coded(
            (
                {names.device(alias): count for alias, count in found.items()}
                for found in _each(hosts.devices)
            ),
            map_key,
        ),
        other_allocations=coded(
            tuple(sorted(one._replace(consumer=names.consumer(one.consumer)) for one in held or ()))
            or None
            for held in _each(hosts.other_allocations)
        ),
    )
    return replace(
        model,
        hosts=clean,
        servers=_servers(model.servers, names),
        unplaced=_servers(model.unplaced, names),
        groups=tuple(_group(group, names) for group in model.groups),
        aggregates=tuple(_aggregate(one, names) for one in model.aggregates),
        outside=frozenset(map(names.server, model.outside)),
    )


def _each(column: Coded[Any]) -> Iterator[Any]:
    return (column[row] for row in range(len(column)))


def _servers(servers: ServerColumns, names: Pseudonyms) -> ServerColumns:
    numbered = tuple(map(names.server, servers.id))
    return replace(
        servers,
        id=numbered,
        name=numbered,
        project_id=coded(names.project(one) for one in _each(servers.project_id)),
        flavor=coded(names.flavor(one) for one in _each(servers.flavor)),
        zone=coded(_zone(names, one) for one in _each(servers.zone)),
        pinned_zone=coded(_zone(names, one) for one in _each(servers.pinned_zone)),
        metadata=coded(({} for _ in numbered), map_key),
        extra_specs=coded((_specs(one, names) for one in _each(servers.extra_specs)), map_key),
        groups=coded(tuple(sorted(map(names.group, one))) for one in _each(servers.groups)),
    )


def _zone(names: Pseudonyms, zone: str | None) -> str | None:
    return None if zone is None else names.zone(zone)


def _reason(text: str | None) -> str | None:
    """Keeps whether there is a reason, and the prefix that strategies look for."""
    if not text:
        return text
    return DISABLED_BY_CONSOLIDATION if text.startswith(DISABLED_BY_CONSOLIDATION) else "a reason"


def _specs(specs: Mapping[str, str], names: Pseudonyms) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key in sorted(specs):
        value = str(specs[key])
        if key == ALIAS:
            kept[key] = names.devices(value)
        elif key == _PMEM:
            kept[key] = ",".join("pmem" for label in value.split(",") if label.strip())
        elif key.startswith(TRAIT):
            kept[names.trait(key)] = value
        elif key.startswith(SCOPED):
            kept[SCOPED + names.text(key.removeprefix(SCOPED))] = names.text(value)
        elif key.startswith(_STANDARD):
            kept[names.trait(key)] = value
        elif key in names.metadata_keys:
            kept[names.text(key)] = names.text(value)
    return kept


def _group(group: GroupRow, names: Pseudonyms) -> GroupRow:
    name = names.group(group.id)
    return replace(group, id=name, name=name, members=tuple(map(names.server, group.members)))


def _aggregate(one: AggregateRow, names: Pseudonyms) -> AggregateRow:
    return AggregateRow(
        id=one.id,
        uuid=names.aggregate(one.uuid),
        name=f"aggregate {one.id}",
        zone=_zone(names, one.zone),
        hosts=tuple(map(names.host, one.hosts)),
        metadata=_metadata(one.metadata, names),
    )


def _metadata(metadata: Mapping[str, str], names: Pseudonyms) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key in sorted(metadata):
        value = metadata[key]
        if key == "availability_zone":
            kept[key] = names.zone(value)
        elif key.startswith(TENANT):
            tenants = sum(known.startswith(TENANT) for known in kept)
            kept[f"{TENANT}_{tenants + 1}"] = names.projects(value)
        elif key.startswith(TRAIT):
            kept[names.trait(key)] = value if value == "required" else ""
        elif key in names.matched_keys:
            kept[names.text(key)] = names.text(value)
    return kept
