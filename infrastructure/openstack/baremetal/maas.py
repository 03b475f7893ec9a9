"""Nodes that MAAS manages: its machines, by system id."""

from collections.abc import Mapping
from typing import Final

from application.ports.cloud import BaremetalRows
from domain.cluster.baremetal.records import BaremetalNodeRow
from infrastructure.openstack.baremetal.maas_api import MaasApi
from infrastructure.openstack.baremetal.nodes import PowerNode, PowerState
from infrastructure.openstack.collectors.conversion import Conversion, field, text
from infrastructure.openstack.service import Json

_DEPLOYED: Final = "Deployed"
_STATES: Mapping[str, PowerState] = {"on": "on", "off": "off"}
_POWER: Mapping[str, str] = {"on": "power on", "off": "power off", "error": "error"}
"""Power state in MAAS → in the model; every other one is unknown."""
_FAILED: Final = "Failed to power"
"""How the types of MAAS's events on failed power changes begin."""


class MaasNodes:
    """Reads and switches the machines of MAAS. The constructor sends no request."""

    def __init__(self, api: MaasApi) -> None:
        self._api = api

    def collect(self) -> BaremetalRows:
        """Reads all machines, in one request."""
        machines = self._machines()
        conversion = Conversion()
        rows = conversion.rows("bare-metal node", machines, node_row, identity=field("system_id"))
        return BaremetalRows(rows, aside=conversion.aside, calls=1)

    def probe(self) -> None:
        """See ``Nodes``: asks who the owner of the API key is."""
        self._api.get("users/", dict, op="whoami")

    def find(self, identity: str) -> PowerNode | None:
        """See ``Nodes``; by system id. The power state is read from the machine's BMC."""
        machine = next(iter(self._machines(id=identity)), None)
        if machine is None:
            return None
        path = f"machines/{machine['system_id']}/"
        power = self._api.get(path, dict, op="query_power_state").get("state")
        error = self._last_error(identity)
        return PowerNode(
            id=machine["system_id"],
            name=machine["fqdn"],
            state=_STATES.get(str(power)),
            target=None,
            last_error=error.get("description"),
            error_at=error.get("created"),
            instance_id=None,
            hypervisor=machine["fqdn"],
        )

    def switch(self, node_id: str, state: PowerState) -> str | None:
        """See ``Nodes``; MAAS gives requests no id."""
        self._api.post(f"machines/{node_id}/", op=f"power_{state}")
        return None

    def _machines(self, **query: object) -> list[Json]:
        found = self._api.get("machines/", list, **query)
        return [one if isinstance(one, dict) else {} for one in found]

    def _last_error(self, system_id: str) -> Json:
        """The newest event of a failed power change; empty if there is none."""
        found = self._api.get("events/", dict, op="query", id=system_id, level="ERROR")
        errors = (one for one in found.get("events", ()) if one["type"].startswith(_FAILED))
        return next(errors, {})


def node_row(machine: Json) -> BaremetalNodeRow:
    """A machine. One that is not deployed counts as in maintenance: MAAS itself works on it."""
    status = text(machine, "status_name")
    why = machine.get("error_description") or machine.get("status_message") or ""
    return BaremetalNodeRow(
        id=text(machine, "system_id"),
        name=machine.get("hostname") or "",
        power_state=_POWER.get(machine.get("power_state") or "", ""),
        maintenance=status != _DEPLOYED,
        maintenance_reason=f"MAAS: {status} {why}".strip() if status != _DEPLOYED else None,
        provision_state=status.lower(),
        extra={"compute_node_id": text(machine, "fqdn")},
        properties={
            "cpu_arch": machine.get("architecture"),
            "cpus": machine.get("cpu_count"),
            "memory_mb": machine.get("memory"),
        },
    )
