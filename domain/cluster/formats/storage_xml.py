"""The storage model as XML: the established interchange form, which knows fewer fields.

What it does not know (reserves, thin and thick, snapshots of volumes, encryption, …) is lost.
Lists and maps are JSON, so that what was written can be read. A capacity that is not known is left
out, one without a limit is ``infinite``.
"""

from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree as ET

from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.storage_listing import node_fields, pool_fields, volume_fields
from domain.cluster.formats.xml_fields import (
    capacity,
    element,
    flag,
    json_map,
    json_objects,
    number,
    optional,
    required,
    root_of,
    texts,
)
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import Attachment, PoolRow, StorageNodeRow, VolumeRow
from domain.cluster.table.columns import coded


def to_xml(model: StorageModel) -> str:
    """``ModelRoot`` > ``StorageNode`` > ``Pool`` > ``Volume``, by name; unplaced volumes last."""
    root = ET.Element("ModelRoot")
    nodes = [
        element(root, "StorageNode", node_fields(model, node)) for node in range(len(model.nodes))
    ]
    pools = [
        element(nodes[int(node)], "Pool", pool_fields(model, pool))
        for pool, node in enumerate(model.pools.node)
    ]
    for volume, pool in enumerate(model.volumes.pool):
        element(pools[int(pool)], "Volume", volume_fields(model.volumes, volume))
    for volume in range(len(model.unplaced)):
        element(root, "Volume", volume_fields(model.unplaced, volume))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> tuple[StorageModel, tuple[QuarantinedRecord, ...]]:
    """The model that XML describes, and what of it could not be used.

    A pool is on the backend that encloses it, a volume in the pool that does; a volume at the root
    is in none of the model's pools, whatever it names. Attributes that are not known are ignored.

    Raises:
        InvalidValue: the text is no such XML, or an attribute cannot be read (it is named).
    """
    root = root_of(text)
    elements = root.findall("StorageNode")
    nodes = [_node(node.attrib) for node in elements]
    types = {row.host: kinds for row, kinds in nodes}
    pools = [(_pool(pool.attrib), pool) for node in elements for pool in node.findall("Pool")]
    volumes = [
        _volume(volume.attrib, row.name) for row, pool in pools for volume in pool.findall("Volume")
    ]
    loose = [volume.attrib for volume in root.findall("Volume")]
    volumes += [_volume(attributes, None) for attributes in loose]
    model, quarantined = StorageModel.build(
        [row for row, _ in nodes], [row for row, _ in pools], volumes
    )
    kinds = coded(types[host] for host in model.nodes.host)
    named = {attributes["uuid"]: optional(attributes, "host") for attributes in loose}
    pool_names = coded(named.get(identity) for identity in model.unplaced.id)
    model = replace(
        model,
        nodes=replace(model.nodes, volume_types=kinds),
        unplaced=replace(model.unplaced, pool_name=pool_names),
    )
    return model, quarantined


def _node(attributes: Mapping[str, str]) -> tuple[StorageNodeRow, tuple[str, ...]]:
    row = StorageNodeRow(
        host=required(attributes, "host"),
        zone=attributes.get("zone", ""),
        status=attributes.get("status", "enabled"),
        state=attributes.get("state", "up"),
    )
    return row, texts(attributes, "volume_type")


def _pool(attributes: Mapping[str, str]) -> PoolRow:
    return PoolRow(
        name=required(attributes, "name"),
        total_volumes=number(attributes, "total_volumes", int),
        total_gb=capacity(attributes, "total_capacity_gb"),
        free_gb=capacity(attributes, "free_capacity_gb"),
        provisioned_gb=capacity(attributes, "provisioned_capacity_gb"),
        allocated_gb=capacity(attributes, "allocated_capacity_gb"),
        virtual_free_gb=capacity(attributes, "virtual_free"),
    )


def _volume(attributes: Mapping[str, str], pool: str | None) -> VolumeRow:
    metadata = json_map(attributes, "metadata")
    return VolumeRow(
        id=required(attributes, "uuid"),
        name=attributes.get("name", ""),
        pool=pool,
        size_gb=number(attributes, "size", int),
        status=attributes.get("status", ""),
        volume_type=attributes.get("volume_type", ""),
        attachments=tuple(
            Attachment(str(item.get("server_id", "")), str(item.get("attachment_id", "")))
            for item in json_objects(attributes, "attachments")
        ),
        bootable=flag(attributes, "bootable"),
        multiattach=flag(attributes, "multiattach"),
        project_id=attributes.get("project_id", ""),
        metadata={key: str(value) for key, value in metadata.items()},
        snapshot_id=optional(attributes, "snapshot_id"),
        created_at=attributes.get("created_at", ""),
    )
