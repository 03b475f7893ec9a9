"""One pseudonym for each original name, in the order of the originals."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.resources import aliases
from domain.cluster.placement.specs import required_properties

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


class Pseudonyms:
    """The pseudonyms of all names in a model.

    Attributes:
        metadata_keys: metadata keys of aggregates.
        matched_keys: those of them that some flavor requires.
        host, server, consumer, zone, project, flavor, group, device: original → pseudonym.
    """

    def __init__(self, model: ComputeModel) -> None:
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
        self._servers = frozenset(_servers(model))
        self.server = _numbered("server", sorted(self._servers))
        self.consumer = self._consumers(model)
        self.zone = _numbered("zone", sorted(_zones(model)))
        owners = {one for table in tables for one in table.project_id.table}
        reserved = {p for one in aggregates for p in _projects(one.metadata)}
        self.project = _numbered("project", sorted(owners | reserved))
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
    prefix: str, originals: Sequence[str], most: int | None = None, join: str = "-"
) -> Rename:
    """Numbers names in the order given; the pseudonyms sort like the numbers."""
    width = len(str(len(originals) if most is None else most))
    known = {
        name: f"{prefix}{join}{number:0{width}}" for number, name in enumerate(originals, start=1)
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
