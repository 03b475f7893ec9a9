"""A recorded compute model, and what executed actions changed since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from application.replay.executed_actions import ExecutedAction
from domain.cluster.compute.flavor import Flavor, read_flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.edits import edited
from domain.cluster_models.amendments.compute import ComputeAmendments
from domain.cluster_models.amendments.facts import ComputeFacts, ServerFact, Stamp
from domain.plans.action_types import RESIZE
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.proposal import PlannedAction, ProposedAction

_NOW: Final = Stamp(0, 0.0, "")
"""Each server has one fact, so its stamp decides nothing."""
_GONE: Final = "DELETED"
_STATES: Final = {
    "ACTIVE": "active",
    "SHUTOFF": "stopped",
    "SHELVED": "shelved",
    "SHELVED_OFFLOADED": "shelved_offloaded",
    "SOFT_DELETED": "soft-delete",
}
"""Status of a server at the end of an action → its state in models."""
_NO_HOST: Final = frozenset({"SHELVED_OFFLOADED", "SOFT_DELETED", _GONE})
"""Statuses in which a server is on no host."""


class ModelAfter:
    """A model, and what executed actions changed since.

    What was observed at the end of an action counts: the host where its server was, and the status
    of the server. Without it, what the type of the action declares counts. A resized server gets
    the size of another server with its new flavor; its own size stays if there is none.

    Args:
        base: the model as recorded.
        action_types: the installed ones.
    """

    def __init__(self, base: ComputeModel, action_types: Mapping[str, ActionType]) -> None:
        self.base = base
        self._types = action_types
        self._hosts: defaultdict[str, dict[int, object]] = defaultdict(dict)
        self._servers: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    def model(self) -> ComputeModel:
        """The model with all changes."""
        model = replace(self.base, hosts=edited(self.base.hosts, self._hosts))
        facts = [
            ServerFact(ident, _NOW, gone=given.get("status") == _GONE, attributes=given)
            for ident, given in self._servers.items()
        ]
        return ComputeAmendments(model, ComputeFacts.of(facts)).model()[0] if facts else model

    def add(self, action: ExecutedAction) -> frozenset[int]:
        """Adds what an action changed.

        Returns:
            The hosts whose servers, allocation, service or power it changed.
        """
        spec, kind = action.spec, self._types.get(action.spec.type)
        if kind is None:
            return frozenset()
        ident = str(spec.parameters.get("resource_id", ""))
        proposed = ProposedAction(spec.type, ident, spec.parameters, spec.because)
        checked = kind.checked(self.base, PlannedAction(proposed, ()))
        if checked.kind not in {"move", "other"}:
            return self._switch(checked.host, checked.kind)
        if kind.resource is not ResourceKind.SERVER:
            return frozenset()
        changes: dict[str, object] = {}
        if checked.host >= 0:
            changes["host"] = self.base.hosts.name[checked.host]
        if action.observed.get("host"):
            changes["host"] = action.observed["host"]
        if spec.type == RESIZE:
            changes |= self._size(str(spec.parameters.get("flavor")))
        return self._server(ident, changes | _status(action.observed.get("status")))

    def replay(self, steps: Iterable[Sequence[object]]) -> None:
        """Adds the steps of a branch (``Branch.to_log``); those of volumes change no host."""
        hosts, places = self.base.hosts, self.base.host_places
        for verb, subject, *to in steps:
            match verb:
                case "move":
                    self._server(str(subject), {"host": hosts.name[places[str(to[0])]]})
                case "resize":
                    self._server(str(subject), _size(read_flavor(to[0])))
                case "start" | "stop":
                    self._server(str(subject), _status("ACTIVE" if verb == "start" else "SHUTOFF"))
                case "enable" | "disable" | "power-on" | "power-off":
                    self._switch(places[str(subject)], verb)

    def _switch(self, host: int, verb: str) -> frozenset[int]:
        if host < 0:
            return frozenset()
        match verb:
            case "enable":
                self._hosts["status"][host] = "enabled"
                self._hosts["disabled_reason"][host] = None
            case "disable":
                self._hosts["status"][host] = "disabled"
            case "power-on":
                self._hosts["state"][host] = "up"
            case "power-off":
                self._hosts["state"][host] = "down"
        return frozenset((host,))

    def _server(self, ident: str, changes: Mapping[str, object]) -> frozenset[int]:
        """Changes a server of the model; returns the hosts whose servers or allocation change."""
        if not self._is_known(ident):
            return frozenset()
        before = self._host_of(ident)
        self._servers[ident].update(changes)
        after = self._host_of(ident)
        moves = before != after or "flavor" in changes
        return frozenset({before, after} - {None}) if moves else frozenset()  # type: ignore[arg-type]

    def _is_known(self, ident: str) -> bool:
        return ident in self.base.server_places or ident in self.base.unplaced.id

    def _host_of(self, ident: str) -> int | None:
        """The host where a server is after the changes so far; None if on none of the model."""
        given = self._servers.get(ident, {})
        if "host" in given:
            return self.base.host_places.get(given["host"] or "")
        place = self.base.server_places.get(ident)
        return None if place is None else int(self.base.servers.host[place])

    def _size(self, flavor: str) -> dict[str, object]:
        servers = self.base.servers
        peers = servers.flavor.where(lambda name: name == flavor).nonzero()[0]
        return _size(Flavor.of(servers, int(peers[0]))) if len(peers) else {"flavor": flavor}


def _size(flavor: Flavor) -> dict[str, object]:
    return {
        "flavor": flavor.name,
        "vcpus": flavor.vcpus,
        "memory_mb": flavor.memory_mb,
        "disk_gb": flavor.disk_gb,
        "extra_specs": flavor.extra_specs,
    }


def _status(status: object) -> dict[str, object]:
    """The attributes of a server that an observed status tells; migrations have other statuses."""
    if status == _GONE:
        return {"status": _GONE, "host": None}
    if status not in _STATES:
        return {}
    told: dict[str, object] = {"status": status, "state": _STATES[str(status)]}
    return {**told, "host": None} if status in _NO_HOST else told
