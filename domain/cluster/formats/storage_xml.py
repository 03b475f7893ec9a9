"""The storage model as XML: the established interchange form, which has fewer fields.

The other fields (reserves, thin and thick, snapshots of volumes, encryption, …) are lost. Lists and
maps are JSON, so that they can be read back. A capacity that is not known is left out; one without
a limit is ``infinite``.
"""

from dataclasses import replace
from xml.etree import ElementTree as ET

from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.storage_listing import (
    NODE_FIELDS,
    POOL_FIELDS,
    VOLUME_FIELDS,
    node_records,
    pool_records,
    volume_records,
)
from domain.cluster.formats.xml_fields import (
    element,
    field_reader,
    json_objects,
    optional,
    root_of,
    texts,
)
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import Attachment, PoolRow, StorageNodeRow, VolumeRow
from domain.cluster.table.columns import coded


def _attachments(name: str, value: str) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(str(item.get("server_id", "")), str(item.get("attachment_id", "")))
        for item in json_objects(name, value)
    )


_read_node = field_reader(StorageNodeRow, NODE_FIELDS)
_read_pool = field_reader(PoolRow, POOL_FIELDS)
_read_volume = field_reader(VolumeRow, VOLUME_FIELDS, {tuple[Attachment, ...]: _attachments})


def to_xml(model: StorageModel) -> str:
    """``ModelRoot`` > ``StorageNode`` > ``Pool`` > ``Volume``, by name; unplaced volumes last."""
    root = ET.Element("ModelRoot")
    nodes = [element(root, "StorageNode", record) for record in node_records(model)]
    pools = [
        element(nodes[int(node)], "Pool", record)
        for record, node in zip(pool_records(model), model.pools.node, strict=True)
    ]
    for record, pool in zip(volume_records(model.volumes), model.volumes.pool, strict=True):
        element(pools[int(pool)], "Volume", record)
    for record in volume_records(model.unplaced):
        element(root, "Volume", record)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> tuple[StorageModel, tuple[QuarantinedRecord, ...]]:
    """Reads XML: returns the model and the quarantined records.

    A pool is on the backend that encloses it, a volume in the pool that encloses it. A volume at
    the root is in no pool of the model, even if it names one. Unknown attributes are ignored.

    Raises:
        InvalidValue: the text is no such XML, or an attribute cannot be read (it is named).
    """
    root = root_of(text)
    elements = root.findall("StorageNode")
    nodes = [StorageNodeRow(**_read_node(node.attrib)) for node in elements]
    types = {
        row.host: texts("volume_type", node.attrib.get("volume_type", ""))
        for row, node in zip(nodes, elements, strict=True)
    }
    pools = [
        (PoolRow(**_read_pool(pool.attrib)), pool)
        for node in elements
        for pool in node.findall("Pool")
    ]
    volumes = [
        VolumeRow(**_read_volume(volume.attrib), pool=row.name)
        for row, pool in pools
        for volume in pool.findall("Volume")
    ]
    loose = [volume.attrib for volume in root.findall("Volume")]
    volumes += [VolumeRow(**_read_volume(attributes)) for attributes in loose]
    model, quarantined = StorageModel.build(nodes, [row for row, _ in pools], volumes)
    volume_types = coded(types[host] for host in model.nodes.host)
    named = {one["uuid"]: optional("host", one.get("host", "")) for one in loose}
    pool_names = coded(named.get(identity) for identity in model.unplaced.id)
    model = replace(
        model,
        nodes=replace(model.nodes, volume_types=volume_types),
        unplaced=replace(model.unplaced, pool_name=pool_names),
    )
    return model, quarantined
