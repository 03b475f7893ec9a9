"""The verifier's reading of the rules that depend on no other server."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.cluster.verifier.extra_specs import aggregate_specs, meets, required_traits

Fenced = tuple[frozenset[str], frozenset[str]]
"""Servers (ids), and hosts (names)."""


@dataclass(frozen=True)
class PlainHost:
    """A host; ``aggregates`` is the metadata of those it is in."""

    name: str
    up: bool
    unseen: int
    zone: str
    traits: frozenset[str]
    aggregates: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class PlainServer:
    """A server; ``fixed``: it cannot be moved; ``home_zone``: the zone it was collected in."""

    id: str
    fixed: bool
    pinned_zone: str | None
    home_zone: str
    project: str
    specs: Mapping[str, str]


@dataclass(frozen=True)
class StaticRules:
    """The rules.

    Attributes:
        keep_zone: whether a server that is not pinned to a zone stays in its zone.
        aggregate_keys: metadata keys of all aggregates.
        fences, bans: of the operator.
    """

    keep_zone: bool
    aggregate_keys: set[str]
    fences: list[Fenced]
    bans: list[Fenced]

    def refusals(self, server: PlainServer, host: PlainHost) -> tuple[str, ...]:
        """Names of the rules that refuse a server on a host."""
        tests = {
            "Movable": not server.fixed,
            "FullyObserved": host.unseen == 0,
            "AvailabilityZone": _zone_fits(server, host, keep_zone=self.keep_zone),
            "AggregateExtraSpecs": _aggregates_fit(server, host, self.aggregate_keys),
            "ReservedForProjects": _project_fits(server, host),
            "ReservedForTraits": _isolation_fits(server, host),
            "RequiredTraits": _traits_fit(server, host),
            "FencesAndBans": _operator_agrees(server, host, self.fences, self.bans),
        }
        return tuple(name for name, passed in tests.items() if not passed)


def _zone_fits(server: PlainServer, host: PlainHost, *, keep_zone: bool) -> bool:
    if server.pinned_zone is not None:
        return host.zone == server.pinned_zone
    return not keep_zone or host.zone == server.home_zone


def _aggregates_fit(server: PlainServer, host: PlainHost, known: set[str]) -> bool:
    for key, wanted in aggregate_specs(server.specs, known):
        offers = [metadata[key] for metadata in host.aggregates if key in metadata]
        values = [value.strip() for offer in offers for value in offer.split(",")]
        if not any(meets(value, wanted) for value in values):
            return False
    return True


def _project_fits(server: PlainServer, host: PlainHost) -> bool:
    lists = [
        value
        for metadata in host.aggregates
        for key, value in metadata.items()
        if key.startswith("filter_tenant_id")
    ]
    projects = {project.strip() for text in lists for project in text.split(",")}
    return not lists or server.project in projects


def _isolation_fits(server: PlainServer, host: PlainHost) -> bool:
    required, _ = required_traits(server.specs)
    for metadata in host.aggregates:
        for key, value in metadata.items():
            if key.startswith("trait:") and value == "required" and key[6:] not in required:
                return False
    return True


def _traits_fit(server: PlainServer, host: PlainHost) -> bool:
    required, forbidden = required_traits(server.specs)
    return all(trait in host.traits for trait in required) and not any(
        trait in host.traits for trait in forbidden
    )


def _operator_agrees(
    server: PlainServer, host: PlainHost, fences: list[Fenced], bans: list[Fenced]
) -> bool:
    for servers, hosts in fences:
        if server.id in servers and host.name not in hosts:
            return False
    return all(not (server.id in servers and host.name in hosts) for servers, hosts in bans)
