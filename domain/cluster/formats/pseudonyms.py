"""One pseudonym for each original name, in the order of the originals."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.resources import aliases
from domain.cluster.placement.specs import required_properties
from domain.cluster.storage.model import StorageModel

SCOPED = "aggregate_instance_extra_specs:"
TENANT = "filter_tenant_id"
TRAIT = "trait"
ALIAS = "pci_passthrough:alias"
_CUSTOM = re.compile(r"CUSTOM_\w+")
_WORD = re.compile(r"[^\s,]+")
_PLAIN = re.compile(
    r"-?[0-9.]+|true|false|[=!<>]=?|==|s(==|!=|<|<=|>|>=)|<or>|<in>|<all-in>", re.IGNORECASE
)
"""Words that identify nothing: numbers, booleans, operators of extra specs."""

Rename = Callable[[str], str]


@dataclass(frozen=True)
class _Others:
    """The names in the models of storage and bare metal."""

    zones: frozenset[str]
    projects: frozenset[str]
    servers: frozenset[str]
    backends: frozenset[str]
    pools: frozenset[str]
    backend_names: frozenset[str]
    volume_types: frozenset[str]
    volumes: frozenset[str]
    nodes: frozenset[str]

    @classmethod
    def of(cls, storage: StorageModel | None, baremetal: BaremetalModel | None) -> Self:
        """Those of some models."""
        model = StorageModel.build(())[0] if storage is None else storage
        nodes = (BaremetalModel.build(())[0] if baremetal is None else baremetal).nodes
        tables = (model.volumes, model.unplaced)
        pools = {*model.pools.name, *(one for t in tables for one in t.pool_name.table if one)}
        clusters = {one for one in model.nodes.cluster.table if one}
        named = {one.backend_name for one in model.types if one.backend_name}
        attached = {server for t in tables for held in t.servers for server in held}
        kinds = {
            *(kind.name for kind in model.types),
            *(k for t in tables for k in t.volume_type.table),
        }
        return cls(
            zones=frozenset({*model.nodes.zone.table, *(z for t in tables for z in t.zone.table)}),
            projects=frozenset(one for t in tables for one in t.project_id.table),
            servers=frozenset(attached | {one for one in nodes.instance_id if one}),
            backends=frozenset(
                {*model.nodes.host, *clusters, *(p.partition("#")[0] for p in pools)}
            ),
            pools=frozenset(pools),
            backend_names=frozenset(named | set(model.pools.backend_name.table)),
            volume_types=frozenset(kinds),
            volumes=frozenset(one for t in tables for one in t.id),
            nodes=frozenset(nodes.id),
        )


class Pseudonyms:
    """The pseudonyms of all names in a model.

    Attributes:
        metadata_keys: metadata keys of aggregates.
        matched_keys: those of them that some flavor requires.
        host, server, consumer, zone, project, flavor, group, device: original → pseudonym.
        backend, pool, backend_name, volume_type, volume: likewise, of the storage model.
        node: likewise, of the bare-metal model.
    """

    def __init__(
        self,
        model: ComputeModel,
        storage: StorageModel | None = None,
        baremetal: BaremetalModel | None = None,
    ) -> None:
        others = _Others.of(storage, baremetal)
        hosts, aggregates = model.hosts, model.aggregates
        tables = (model.servers, model.unplaced)
        specs = [found for table in tables for found in table.extra_specs.table]
        self.metadata_keys = frozenset(key for one in aggregates for key in one.metadata)
        wanted = [
            pair for one in specs for pair in required_properties(one, self.metadata_keys).aggregate
        ]
        self.matched_keys = frozenset(key for key, _ in wanted)
        strangers = {name for one in aggregates for name in one.hosts} - set(hosts.name)
        self.host = _numbered("host", [*hosts.name, *sorted(strangers)])
        self._host_id = _numbered("host", hosts.id, len(hosts) + len(strangers))
        self._host_ids = frozenset(hosts.id)
        self._servers = frozenset(_servers(model)) | others.servers
        self.server = _numbered("server", sorted(self._servers))
        self.consumer = self._consumers(model)
        self.zone = _numbered("zone", sorted(_zones(model) | others.zones))
        owners = {one for table in tables for one in table.project_id.table}
        reserved = {p for one in aggregates for p in _projects(one.metadata)}
        self.project = _numbered("project", sorted(owners | reserved | others.projects))
        flavors = {one for table in tables for one in table.flavor.table}
        self.flavor = _numbered("flavor", sorted(flavors))
        groups = {one for table in tables for found in table.groups.table for one in found}
        self.group = _numbered("group", sorted(groups | {one.id for one in model.groups}))
        ids = {one.id for one in aggregates} | {""}
        named = {one.uuid for one in aggregates} | {a for t in hosts.aggregates.table for a in t}
        self._ids = frozenset(ids)
        self._uuid = _numbered("aggregate", sorted(named - ids))
        offered = {alias for found in hosts.devices.table for alias in found}
        asked = {alias for found in specs for alias in aliases(found)}
        self.device = _numbered("device", sorted(offered | asked))
        traits = {trait for found in hosts.traits.table for trait in found}
        keyed = {key for one in (*specs, *(a.metadata for a in aggregates)) for key in one}
        custom = {name for text in traits | keyed for name in _CUSTOM.findall(text)}
        self._custom = _numbered("CUSTOM_TRAIT", sorted(custom), join="_")
        values = [
            a.metadata[key] for a in aggregates for key in a.metadata if key in self.matched_keys
        ]
        texts = [*values, *(text for pair in wanted for text in pair)]
        self.backend = _numbered("storage", sorted(others.backends), suffix="@backend")
        pools = _numbered("pool", sorted(others.pools))
        self.pool: Rename = lambda name: f"{self.backend(name.partition('#')[0])}#{pools(name)}"
        self.backend_name = _numbered("backend", sorted(others.backend_names))
        self.volume_type = _numbered("type", sorted(others.volume_types))
        self.volume = _numbered("volume", sorted(others.volumes))
        self.node = _numbered("node", sorted(others.nodes))
        self._word = _numbered("word", sorted({w for text in texts for w in _words(text)}))

    def _consumers(self, model: ComputeModel) -> Rename:
        """A server's pseudonym; other consumers have pseudonyms of their own."""
        booked = {
            one.consumer for held in model.hosts.other_allocations.table for one in held or ()
        }
        strangers = _numbered("consumer", sorted(booked - self._servers))
        return lambda name: self.server(name) if name in self._servers else strangers(name)

    def knows(self, resource: str) -> bool:
        """Whether it is a host or a server of the model."""
        return resource in self._host_ids or resource in self._servers

    def host_id(self, identity: str) -> str | None:
        """A host's id, None if it is not in the model."""
        return self._host_id(identity) if identity in self._host_ids else None

    def resource(self, identity: str) -> str:
        """A host's or a server's id."""
        return self._host_id(identity) if identity in self._host_ids else self.server(identity)

    def aggregate(self, identity: str) -> str:
        """The pseudonym of an aggregate's uuid; its number identifies nothing and stays."""
        return identity if identity in self._ids else self._uuid(identity)

    def trait(self, text: str) -> str:
        """A trait, or a key with a trait: custom traits get a number, standard ones stay."""
        return _CUSTOM.sub(lambda found: self._custom(found[0]), text)

    def text(self, text: str) -> str:
        """A key or a value that flavors and aggregates have in common, word by word."""
        return _WORD.sub(lambda found: found[0] if _plain(found[0]) else self._word(found[0]), text)

    def projects(self, text: str) -> str:
        """A list of projects."""
        return ",".join(self.project(one.strip()) for one in text.split(","))

    def devices(self, text: str) -> str:
        """The value of a PCI extra spec."""
        wanted = aliases({ALIAS: text}).items()
        return ",".join(f"{self.device(alias)}:{count}" for alias, count in wanted)


def _numbered(
    prefix: str,
    originals: Sequence[str],
    most: int | None = None,
    join: str = "-",
    suffix: str = "",
) -> Rename:
    """Numbers names in the order given; the pseudonyms sort like the numbers."""
    width = len(str(len(originals) if most is None else most))
    known = {
        name: f"{prefix}{join}{number:0{width}}{suffix}"
        for number, name in enumerate(originals, start=1)
    }
    known[""] = ""  # an empty name stays empty
    return known.__getitem__


def _servers(model: ComputeModel) -> Iterator[str]:
    yield from model.servers.id
    yield from model.unplaced.id
    yield from model.outside
    for group in model.groups:
        yield from group.members


def _zones(model: ComputeModel) -> set[str]:
    found: set[str | None] = {*model.hosts.zone.table, *(one.zone for one in model.aggregates)}
    found |= {one.metadata.get("availability_zone") for one in model.aggregates}
    for table in (model.servers, model.unplaced):
        found |= {*table.zone.table, *table.pinned_zone.table}
    return {zone for zone in found if zone is not None}


def _projects(metadata: Mapping[str, str]) -> Iterator[str]:
    for key, text in metadata.items():
        if key.startswith(TENANT):
            yield from (one.strip() for one in text.split(","))


def _words(text: str) -> Iterable[str]:
    return (word for word in _WORD.findall(text) if not _plain(word))


def _plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None
