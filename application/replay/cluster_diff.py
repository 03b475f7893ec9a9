"""The differences between a cloud at two moments, host by host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from application.replay.cluster_facts import ClusterFacts
from application.replay.diff import Difference, differences
from domain.cluster.compute.model import ComputeModel

Shares = Mapping[str, Mapping[str, float | None]]
"""Resource → capacity, allocated, percent (``ClusterFacts.resources``)."""
_ATTRIBUTES = ("state", "status", "disabled_reason", "zone")


@dataclass(frozen=True)
class HostDifference:
    """A host that differs.

    Attributes:
        before, after: shares of its resources; empty if the host did not exist.
        attributes: other attributes that differ.
        came: servers that are on it only afterwards → the host where they were, if any.
        went: servers that were on it only before → the host where they are, if any.
    """

    host: str
    before: Shares
    after: Shares
    attributes: tuple[Difference, ...] = ()
    came: Mapping[str, str | None] = field(default_factory=dict)
    went: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterDifference:
    """Two moments of a cloud.

    Attributes:
        before, after: counts (``ClusterFacts.cluster``).
        hosts: those that differ, by name.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    hosts: tuple[HostDifference, ...]


def cluster_difference(before: ComputeModel, after: ComputeModel) -> ClusterDifference:
    """What differs between two models of a cloud."""
    old, new = _Moment(before), _Moment(after)
    found = [_host(name, old, new) for name in sorted({*old.places, *new.places})]
    return ClusterDifference(
        old.facts.cluster,
        new.facts.cluster,
        tuple(one for one in found if one is not None),
    )


class _Moment:
    def __init__(self, model: ComputeModel) -> None:
        self.facts = ClusterFacts(model)
        self.places = {name: place for place, name in enumerate(model.hosts.name)}
        servers = model.servers
        at = servers.host.tolist()
        self.host_of = {one: model.hosts.name[to] for one, to in zip(servers.id, at, strict=True)}
        self.names = dict(zip(servers.id, servers.name, strict=True))
        self.on: dict[str, list[str]] = {}
        for server, host in self.host_of.items():
            self.on.setdefault(host, []).append(server)

    def shares(self, host: str) -> Shares:
        place = self.places.get(host)
        return {} if place is None else self.facts.resources(place)

    def attributes(self, host: str) -> dict[str, Any]:
        found = self.facts.host(host) or {}
        return {name: found[name] for name in _ATTRIBUTES if name in found}


def _host(name: str, old: _Moment, new: _Moment) -> HostDifference | None:
    was, now = old.on.get(name, []), new.on.get(name, [])
    stayed = set(was) & set(now)
    found = HostDifference(
        name,
        old.shares(name),
        new.shares(name),
        tuple(differences(old.attributes(name), new.attributes(name)))
        if name in old.places and name in new.places
        else (),
        {new.names[one]: old.host_of.get(one) for one in now if one not in stayed},
        {old.names[one]: new.host_of.get(one) for one in was if one not in stayed},
    )
    same = found.before == found.after and not (found.attributes or found.came or found.went)
    return None if same else found
