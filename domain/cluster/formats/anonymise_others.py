"""Pseudonyms in the models of storage and bare metal; see ``anonymise``."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.formats.pseudonyms import Pseudonyms
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import Coded, coded, map_key

_NO_MAP: Mapping[str, Any] = {}


def anonymised_storage(model: StorageModel, names: Pseudonyms) -> StorageModel:
    """Backends, pools, types and volumes get numbers; metadata and extra specs are removed."""
    nodes, pools = model.nodes, model.pools
    return replace(
        model,
        nodes=replace(
            nodes,
            host=tuple(map(names.backend, nodes.host)),
            zone=coded(map(names.zone, _each(nodes.zone))),
            disabled_reason=coded(one and "a reason" for one in _each(nodes.disabled_reason)),
            cluster=coded(one and names.backend(one) for one in _each(nodes.cluster)),
            volume_types=coded(
                tuple(map(names.volume_type, found)) for found in _each(nodes.volume_types)
            ),
        ),
        pools=replace(
            pools,
            name=tuple(map(names.pool, pools.name)),
            backend_name=coded(map(names.backend_name, _each(pools.backend_name))),
        ),
        volumes=_volumes(model.volumes, names),
        unplaced=_volumes(model.unplaced, names),
        types=tuple(
            replace(
                kind,
                id=names.volume_type(kind.name),
                name=names.volume_type(kind.name),
                backend_name=kind.backend_name and names.backend_name(kind.backend_name),
                extra_specs={},
            )
            for kind in model.types
        ),
    )


def anonymised_nodes(model: BaremetalModel, names: Pseudonyms) -> BaremetalModel:
    """Nodes get numbers; what does not link them with hosts and servers is removed."""
    nodes = model.nodes
    numbered = tuple(map(names.node, nodes.id))
    hosts = [one if one is None else names.host_id(one) for one in nodes.compute_node]
    return BaremetalModel(
        replace(
            nodes,
            id=numbered,
            name=numbered,
            maintenance_reason=coded(one and "a reason" for one in _each(nodes.maintenance_reason)),
            extra=coded(
                ({} if one is None else {"compute_node_id": one} for one in hosts), map_key
            ),
            compute_node=tuple(hosts),
            properties=coded((_NO_MAP for _ in numbered), map_key),
            resource_class=coded("" for _ in numbered),
            instance_id=tuple(one and names.server(one) for one in nodes.instance_id),
        )
    )


def _volumes(volumes: VolumeColumns, names: Pseudonyms) -> VolumeColumns:
    numbered = tuple(map(names.volume, volumes.id))
    nothing = tuple(None for _ in numbered)
    return replace(
        volumes,
        id=numbered,
        name=numbered,
        pool_name=coded(one and names.pool(one) for one in _each(volumes.pool_name)),
        volume_type=coded(map(names.volume_type, _each(volumes.volume_type))),
        servers=tuple(tuple(map(names.server, held)) for held in volumes.servers),
        attachments=tuple(tuple("" for _ in held) for held in volumes.attachments),
        project_id=coded(map(names.project, _each(volumes.project_id))),
        metadata=coded((_NO_MAP for _ in numbered), map_key),
        snapshot_id=nothing,
        source_id=nothing,
        zone=coded(map(names.zone, _each(volumes.zone))),
    )


def _each(column: Coded[Any]) -> Iterator[Any]:
    return (column[row] for row in range(len(column)))
