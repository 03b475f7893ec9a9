"""What the cloud itself says, read from its own APIs and its Prometheus, as any client reads it."""

import json
import re
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import openstack
from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException

from interfaces.demo.errors import DemoFailed

ENDED_WELL = ("completed", "done", "finished", "confirmed")
"""Nova's final states of a successful migration, live or cold."""
ENDED_BADLY = ("error", "failed", "cancelled")
TIMEOUT = 15.0
"""Seconds."""
LOAD = '1 - avg by (fqdn) (rate(node_cpu_seconds_total{mode="idle"}[60s]))'
POWER = "ipmi_dcmi_power_consumption_watts"


T = TypeVar("T")


@dataclass(frozen=True)
class Pool:
    """A storage pool of known size, GB."""

    name: str
    total: float
    free: float

    @property
    def used(self) -> float:
        """Used share, %."""
        return 100 * (self.total - self.free) / self.total


class Snapshot:
    """A cloud at one moment; each part of it is read when it is asked for, once.

    Args:
        connection: to the cloud.
        prometheus: URL of its Prometheus.
    """

    def __init__(self, connection: Connection, prometheus: str) -> None:
        self._connection = connection
        self._prometheus = prometheus

    @cached_property
    def hosts(self) -> dict[str, str]:
        """Compute host → ``enabled`` or ``disabled``."""
        found = self._connection.compute.services()
        return {one.host: one.status for one in found if one.binary == "nova-compute"}

    @cached_property
    def servers(self) -> Counter[str]:
        """Compute host → number of its servers."""
        found = self._connection.compute.servers(details=True, all_projects=True)
        return Counter(one.hypervisor_hostname for one in found)

    @cached_property
    def migrations(self) -> Counter[str]:
        """``succeeded`` and ``failed`` migrations of servers so far."""
        states = [one.status for one in self._connection.compute.migrations()]
        return Counter(
            succeeded=sum(state in ENDED_WELL for state in states),
            failed=sum(state in ENDED_BADLY for state in states),
        )

    @cached_property
    def machines(self) -> Counter[str]:
        """Power state, as Ironic names it → number of machines."""
        return Counter(one.power_state for one in self._connection.baremetal.nodes(details=True))

    @cached_property
    def pools(self) -> list[Pool]:
        """Cinder's pools whose size is known."""
        found = self._connection.block_storage.backend_pools()
        shown = [(one.name, one.capabilities) for one in found]
        return [
            Pool(name, float(said["total_capacity_gb"]), float(said["free_capacity_gb"]))
            for name, said in sorted(shown)
            if _is_number(said["total_capacity_gb"]) and _is_number(said["free_capacity_gb"])
        ]

    @cached_property
    def volumes(self) -> Counter[str]:
        """Pool → number of its volumes."""
        found = self._connection.block_storage.volumes(details=True, all_projects=True)
        return Counter(one.host for one in found)

    @cached_property
    def loads(self) -> list[float]:
        """Measured CPU use of the hosts in operation, %."""
        return [100 * value for value in self._query(LOAD)]

    @cached_property
    def watts(self) -> float:
        """Measured power of all hosts."""
        return sum(self._query(POWER))

    def _query(self, text: str) -> list[float]:
        url = f"{self._prometheus}/api/v1/query?query={urllib.parse.quote(text)}"
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 - http, our own
            answer: Any = json.load(response)
        return [float(one["value"][1]) for one in answer["data"]["result"]]


class Cloud:
    """A cloud of clouds.yaml.

    Args:
        name: its entry.
        config_file: the file.
        prometheus: URL of its Prometheus.
    """

    def __init__(self, name: str, config_file: str, prometheus: str) -> None:
        config = openstack.config.OpenStackConfig(config_files=[config_file])
        self._connection = Connection(config=config.get_one(name), vendor_hook=None)
        self._prometheus = prometheus

    def read(self, part: Callable[[Snapshot], T]) -> T:
        """A part of the present state.

        Raises:
            DemoFailed: the cloud does not answer.
        """
        try:
            return part(Snapshot(self._connection, self._prometheus))
        except (SDKException, ClientException, OSError) as error:
            raise DemoFailed(f"the cloud does not answer: {error}") from error

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _is_number(value: object) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", str(value)) is not None
