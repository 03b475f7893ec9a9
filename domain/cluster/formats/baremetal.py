"""The bare-metal model in other forms: a flat list, and the established XML.

XML has fewer fields: provision states, faults, properties and resource classes are lost.
"""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.xml_fields import element, field_reader, root_of

NODE_FIELDS: Mapping[str, str] = {
    "power_state": "power_state",
    "maintenance": "maintenance",
    "maintenance_reason": "maintenance_reason",
    "extra": "extra",
    "uuid": "id",
    "human_id": "name",
}
"""Name of a node's field in the list and in XML → column."""
_read_node = field_reader(BaremetalNodeRow, NODE_FIELDS)


def to_list(model: BaremetalModel) -> list[dict[str, object]]:
    """One row per node, by uuid. Keys are ``node_<field>``."""
    return model.nodes.records({f"node_{key}": column for key, column in NODE_FIELDS.items()})


def to_xml(model: BaremetalModel) -> str:
    """``ModelRoot`` with an ``IronicNode`` per node, by uuid."""
    root = ET.Element("ModelRoot")
    for record in model.nodes.records(NODE_FIELDS):
        element(root, "IronicNode", record)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> tuple[BaremetalModel, tuple[QuarantinedRecord, ...]]:
    """Reads XML: returns the model and the quarantined records.

    Raises:
        InvalidValue: the text is no such XML, or an attribute cannot be read (it is named).
    """
    return BaremetalModel.build(
        BaremetalNodeRow(**{"maintenance": False, **_read_node(node.attrib)})
        for node in root_of(text).findall("IronicNode")
    )
