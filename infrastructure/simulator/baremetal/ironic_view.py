"""A node as Ironic shows it, by microversion."""

from collections.abc import Mapping
from dataclasses import dataclass

from infrastructure.simulator.baremetal.nodes import CONDUCTOR, DRIVER, RESOURCE_CLASS, Node
from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro
from infrastructure.simulator.core.http.calls import Json

BRIEF = (
    "uuid",
    "name",
    "instance_uuid",
    "maintenance",
    "power_state",
    "provision_state",
)
_INTERFACES = {
    "boot_interface": ((1, 31), "redfish-virtual-media"),
    "console_interface": ((1, 31), "no-console"),
    "deploy_interface": ((1, 31), "direct"),
    "inspect_interface": ((1, 31), "redfish"),
    "management_interface": ((1, 31), "redfish"),
    "power_interface": ((1, 31), "redfish"),
    "raid_interface": ((1, 31), "redfish"),
    "vendor_interface": ((1, 31), "redfish"),
    "network_interface": ((1, 20), "flat"),
    "storage_interface": ((1, 33), "noop"),
    "rescue_interface": ((1, 38), "no-rescue"),
    "bios_interface": ((1, 40), "redfish"),
    "firmware_interface": ((1, 86), "no-firmware"),
}

FIELDS: Mapping[str, Version] = {
    "uuid": (1, 1),
    "name": (1, 5),
    "power_state": (1, 1),
    "target_power_state": (1, 1),
    "last_error": (1, 1),
    "provision_state": (1, 1),
    "provision_updated_at": (1, 1),
    "target_provision_state": (1, 1),
    "reservation": (1, 1),
    "maintenance": (1, 1),
    "maintenance_reason": (1, 1),
    "console_enabled": (1, 1),
    "instance_uuid": (1, 1),
    "instance_info": (1, 1),
    "chassis_uuid": (1, 1),
    "driver": (1, 1),
    "driver_info": (1, 1),
    "driver_internal_info": (1, 3),
    "extra": (1, 1),
    "properties": (1, 1),
    "created_at": (1, 1),
    "updated_at": (1, 1),
    "inspection_finished_at": (1, 6),
    "inspection_started_at": (1, 6),
    "clean_step": (1, 7),
    "raid_config": (1, 12),
    "target_raid_config": (1, 12),
    "resource_class": (1, 21),
    "traits": (1, 37),
    "fault": (1, 42),
    "deploy_step": (1, 44),
    "conductor_group": (1, 46),
    "automated_clean": (1, 47),
    "protected": (1, 48),
    "protected_reason": (1, 48),
    "conductor": (1, 49),
    "owner": (1, 50),
    "description": (1, 51),
    "allocation_uuid": (1, 52),
    "retired": (1, 61),
    "retired_reason": (1, 61),
    "lessee": (1, 65),
    "network_data": (1, 66),
    "boot_mode": (1, 75),
    "secure_boot": (1, 75),
    "shard": (1, 82),
    "parent_node": (1, 83),
    **{name: since for name, (since, _) in _INTERFACES.items()},
    "ports": (1, 1),
    "states": (1, 14),
    "portgroups": (1, 24),
    "volume": (1, 32),
}
"""Field → the microversion that brought it."""

_SUBRESOURCES = ("ports", "states", "portgroups", "volume")
_STATES = (
    "power_state",
    "target_power_state",
    "provision_state",
    "target_provision_state",
    "provision_updated_at",
    "last_error",
    "console_enabled",
    "raid_config",
    "target_raid_config",
    "boot_mode",
    "secure_boot",
)
_EMPTY: Json = dict.fromkeys(
    (
        "target_provision_state",
        "instance_uuid",
        "chassis_uuid",
        "inspection_started_at",
        "fault",
        "automated_clean",
        "protected_reason",
        "owner",
        "description",
        "allocation_uuid",
        "retired_reason",
        "lessee",
        "secure_boot",
        "shard",
        "parent_node",
    )
)


@dataclass(frozen=True)
class IronicView:
    """The form in which nodes are shown.

    Attributes:
        prefix: of the service: scheme, address and mount point.
    """

    version: Version
    prefix: str

    def node(self, node: Node, fields: tuple[str, ...]) -> Json:
        """Those of some fields that this version knows, and links."""
        values = self._values(node)
        shown = {name: values[name] for name in fields if FIELDS[name] <= self.version}
        return shown | {"links": self._links(node, "")}

    def states(self, node: Node) -> Json:
        """The states of a node."""
        values = self._values(node)
        return {name: values[name] for name in _STATES if FIELDS[name] <= self.version}

    def _links(self, node: Node, below: str) -> list[Json]:
        return [
            {"rel": "self", "href": f"{self.prefix}/v1/nodes/{node.id}{below}"},
            {"rel": "bookmark", "href": f"{self.prefix}/nodes/{node.id}{below}"},
        ]

    def _values(self, node: Node) -> Json:
        born = _time(node.created)
        return {
            **_EMPTY,
            **{name: value for name, (_, value) in _INTERFACES.items()},
            **{name: self._links(node, f"/{name}") for name in _SUBRESOURCES},
            "uuid": node.id,
            "name": node.host.name,
            "power_state": node.power_state,
            "target_power_state": node.target,
            "last_error": node.last_error,
            "reservation": None if node.target is None else CONDUCTOR,
            "provision_state": "active",
            "provision_updated_at": born,
            "maintenance": node.maintenance,
            "maintenance_reason": node.maintenance_reason,
            "console_enabled": False,
            "instance_info": {},
            "driver": DRIVER,
            "driver_info": {
                "redfish_address": f"https://bmc.{node.host.name}",
                "redfish_username": "admin",
                "redfish_password": "******",
            },
            "driver_internal_info": {},
            "extra": node.extra,
            "properties": node.properties,
            "created_at": born,
            "updated_at": _time(node.updated),
            "inspection_finished_at": born,
            "clean_step": {},
            "raid_config": {},
            "target_raid_config": {},
            "resource_class": RESOURCE_CLASS,
            "traits": [],
            "deploy_step": {},
            "conductor_group": "",
            "conductor": CONDUCTOR,
            "protected": False,
            "retired": False,
            "network_data": {},
            "boot_mode": "uefi",
        }


def _time(at: float) -> str:
    """Ironic's timestamp: 2026-11-24T07:34:18.000000+00:00."""
    return f"{iso_micro(at)}+00:00"
