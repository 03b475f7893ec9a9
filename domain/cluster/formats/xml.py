"""The compute model as XML: the established interchange form, which has fewer fields.

The other fields (zones, traits, aggregates, groups, task states, …) are lost. Maps are written as
JSON, so that they can be read back; null is ``None``.
"""

from dataclasses import replace
from xml.etree import ElementTree as ET

from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, QuarantinedRecord, ServerRow
from domain.cluster.formats.listing import (
    HOST_FIELDS,
    SERVER_FIELDS,
    host_records,
    server_records,
)
from domain.cluster.formats.xml_fields import element, field_reader, flag, root_of
from domain.cluster.table.columns import bools

_read_host = field_reader(HostRow, HOST_FIELDS)
_read_server = field_reader(ServerRow, SERVER_FIELDS)


def to_xml(model: ComputeModel) -> str:
    """``ModelRoot`` with a ``ComputeNode`` per host, each with its ``Instance`` elements, by id."""
    root = ET.Element("ModelRoot")
    nodes = [element(root, "ComputeNode", record) for record in host_records(model)]
    for record, host in zip(server_records(model), model.servers.host, strict=True):
        element(nodes[int(host)], "Instance", record)
    for record in server_records(model, placed=False):
        element(root, "Instance", record)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> tuple[ComputeModel, tuple[QuarantinedRecord, ...]]:
    """Reads XML: returns the model and the quarantined records.

    Unknown attributes are ignored; missing ones take their defaults.

    Raises:
        InvalidValue: the text is no such XML, or an attribute cannot be read (it is named).
    """
    root = root_of(text)
    nodes = root.findall("ComputeNode")
    hosts = [HostRow(**_read_host(node.attrib)) for node in nodes]
    elements = [
        *(
            (instance.attrib, row.name)
            for node, row in zip(nodes, hosts, strict=True)
            for instance in node.findall("Instance")
        ),
        *((instance.attrib, None) for instance in root.findall("Instance")),
    ]
    defaults = {"vcpus": 0, "memory_mb": 0}
    servers = [
        ServerRow(**{**defaults, **_read_server(attributes), "host": host})
        for attributes, host in elements
    ]
    model, quarantined = ComputeModel.build(hosts, servers)
    excluded = {
        attributes["uuid"]
        for attributes, _ in elements
        if flag("watcher_exclude", attributes.get("watcher_exclude", "False"))
    }
    return replace(
        model,
        servers=_excluding(model.servers, excluded),
        unplaced=_excluding(model.unplaced, excluded),
    ), quarantined


def _excluding(servers: ServerColumns, excluded: set[str]) -> ServerColumns:
    return replace(servers, excluded=bools(identity in excluded for identity in servers.id))
