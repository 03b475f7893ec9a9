"""The bare-metal model in other forms: a flat list, and the established XML.

XML knows fewer fields: provision states, faults, properties and resource classes are lost.
"""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.xml_fields import element, flag, json_map, optional, required, root_of


def node_fields(model: BaremetalModel, node: int) -> dict[str, object]:
    """The fields of a machine, under the names and in the order of the XML form."""
    nodes = model.nodes
    return {
        "power_state": nodes.power_state[node],
        "maintenance": bool(nodes.maintenance[node]),
        "maintenance_reason": nodes.maintenance_reason[node],
        "extra": dict(nodes.extra[node]),
        "uuid": nodes.id[node],
        "human_id": nodes.name[node],
    }


def to_list(model: BaremetalModel) -> list[dict[str, object]]:
    """One row per machine, by uuid. Keys are ``node_<field>``."""
    return [
        {f"node_{key}": value for key, value in node_fields(model, node).items()}
        for node in range(len(model.nodes))
    ]


def to_xml(model: BaremetalModel) -> str:
    """``ModelRoot`` with an ``IronicNode`` per machine, by uuid."""
    root = ET.Element("ModelRoot")
    for node in range(len(model.nodes)):
        element(root, "IronicNode", node_fields(model, node))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> tuple[BaremetalModel, tuple[QuarantinedRecord, ...]]:
    """The model that XML describes, and what of it could not be used.

    Raises:
        InvalidValue: the text is no such XML, or an attribute cannot be read (it is named).
    """
    return BaremetalModel.build(_row(node.attrib) for node in root_of(text).findall("IronicNode"))


def _row(attributes: Mapping[str, str]) -> BaremetalNodeRow:
    return BaremetalNodeRow(
        id=required(attributes, "uuid"),
        name=attributes.get("human_id", ""),
        power_state=attributes.get("power_state", ""),
        maintenance=flag(attributes, "maintenance"),
        maintenance_reason=optional(attributes, "maintenance_reason"),
        extra=json_map(attributes, "extra"),
    )
