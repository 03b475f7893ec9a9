"""The compute model as XML: the established interchange form, which knows fewer fields.

What it does not know (zones, traits, aggregates, groups, task states, …) is lost. Maps are written
as JSON, so that what was written can be read; nulls are written ``None``.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar
from xml.etree import ElementTree as ET

from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, QuarantinedRecord, ServerRow
from domain.cluster.formats.listing import host_fields, server_fields
from domain.cluster.formats.xml_fields import element
from domain.cluster.table.columns import bools
from domain.kernel.errors import InvalidValue

_NONE = "None"
_SHOWN = 100
N = TypeVar("N", int, float)


def to_xml(model: ComputeModel) -> str:
    """``ModelRoot`` with a ``ComputeNode`` per host, each with its ``Instance`` elements, by id."""
    root = ET.Element("ModelRoot")
    nodes = []
    for host in range(len(model.hosts)):
        node = element(root, "ComputeNode", host_fields(model, host))
        nodes.append(node)
    for server, place in enumerate(model.servers.host):
        element(nodes[int(place)], "Instance", server_fields(model, server))
    for server in range(len(model.unplaced)):
        element(root, "Instance", server_fields(model, server, placed=False))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> tuple[ComputeModel, tuple[QuarantinedRecord, ...]]:
    """The model that XML describes, and what of it could not be used.

    Attributes that are not known are ignored; those that are missing take their defaults.

    Raises:
        InvalidValue: the text is no such XML, or an attribute cannot be read (it is named).
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - an operator's own fixture, not traffic
    except ET.ParseError as error:
        raise InvalidValue("xml", f"must be well-formed: {error}") from error
    nodes = root.findall("ComputeNode")
    hosts = [_host(node.attrib) for node in nodes]
    elements = [
        (row.name, instance.attrib)
        for node, row in zip(nodes, hosts, strict=True)
        for instance in node.findall("Instance")
    ]
    servers = [_server(attributes, host) for host, attributes in elements]
    loose = [instance.attrib for instance in root.findall("Instance")]
    servers += [_server(attributes, None) for attributes in loose]
    model, quarantined = ComputeModel.build(hosts, servers)
    excluded = {
        attributes["uuid"]
        for attributes in (*(told for _, told in elements), *loose)
        if _flag(attributes, "watcher_exclude", default=False)
    }
    return replace(
        model,
        servers=_excluding(model.servers, excluded),
        unplaced=_excluding(model.unplaced, excluded),
    ), quarantined


def _excluding(servers: ServerColumns, excluded: set[str]) -> ServerColumns:
    return replace(servers, excluded=bools(identity in excluded for identity in servers.id))


def _host(attributes: Mapping[str, str]) -> HostRow:
    return HostRow(
        id=_required(attributes, "uuid"),
        name=_required(attributes, "hostname"),
        state=attributes.get("state", "up"),
        status=attributes.get("status", "enabled"),
        disabled_reason=_optional(attributes, "disabled_reason"),
        vcpus=_number(attributes, "vcpus", int, 0),
        memory_mb=_number(attributes, "memory", int, 0),
        disk_gb=_number(attributes, "disk", int, 0),
        vcpus_reserved=_number(attributes, "vcpu_reserved", int, 0),
        memory_reserved_mb=_number(attributes, "memory_mb_reserved", int, 0),
        disk_reserved_gb=_number(attributes, "disk_gb_reserved", int, 0),
        cpu_ratio=_number(attributes, "vcpu_ratio", float, 1.0),
        ram_ratio=_number(attributes, "memory_ratio", float, 1.0),
        disk_ratio=_number(attributes, "disk_ratio", float, 1.0),
    )


def _server(attributes: Mapping[str, str], host: str | None) -> ServerRow:
    return ServerRow(
        id=_required(attributes, "uuid"),
        name=attributes.get("name", ""),
        host=host,
        vcpus=_number(attributes, "vcpus", int, 0),
        memory_mb=_number(attributes, "memory", int, 0),
        disk_gb=_number(attributes, "disk", int, 0),
        state=attributes.get("state", "active"),
        project_id=attributes.get("project_id", ""),
        locked=_flag(attributes, "locked", default=False),
        pinned_zone=_optional(attributes, "pinned_az"),
        metadata=_map(attributes, "metadata"),
        extra_specs=_map(attributes, "flavor_extra_specs"),
        created_at=attributes.get("created", ""),
    )


def _required(attributes: Mapping[str, str], name: str) -> str:
    if name not in attributes:
        raise InvalidValue(name, "is missing")
    return attributes[name]


def _optional(attributes: Mapping[str, str], name: str) -> str | None:
    value = attributes.get(name)
    return None if value in (None, _NONE, "") else value


def _number(attributes: Mapping[str, str], name: str, kind: Callable[[str], N], default: N) -> N:
    try:
        return kind(attributes[name]) if name in attributes else default
    except ValueError as error:
        raise InvalidValue(name, f"must be a number, not {attributes[name]!r}") from error


def _flag(attributes: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = attributes.get(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise InvalidValue(name, f"must be True or False, not {attributes[name]!r}")
    return value == "true"


def _map(attributes: Mapping[str, str], name: str) -> dict[str, str]:
    text = attributes.get(name, "{}")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(name, f"must be a JSON object, not {text[:_SHOWN]!r}") from error
    if not isinstance(value, dict):
        raise InvalidValue(name, f"must be a JSON object, not {text!r}")
    return {str(key): str(content) for key, content in value.items()}
