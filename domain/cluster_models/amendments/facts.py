"""What notifications report, as values. A fact is about one resource at one moment.

A set of facts (``ComputeFacts``, ``StorageFacts``) holds one fact of each type per resource.
Joining sets is commutative, associative and idempotent: the order of facts, repetitions and the
number of listeners do not change the result.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Self, TypeVar

from domain.kernel.aggregate import JsonObject


@dataclass(frozen=True, order=True)
class Stamp:
    """The moment that a fact shows. The greater of two stamps is the later moment.

    Attributes:
        version: the resource's ``updated_at`` at the service, seconds since the epoch; 0 if it has
            none or was never changed. The sender had *read* this version; what it reports may
            already be the next one.
        at: when the notification was sent, seconds since the epoch, by the sender's clock.
        message: id of the message; orders equal stamps.
    """

    version: int
    at: float
    message: str


@dataclass(frozen=True)
class Fact:
    """What all facts have in common.

    Attributes:
        id: of the resource.
        gone: the resource was deleted. Ids are not used again.
    """

    id: str
    stamp: Stamp
    gone = False


@dataclass(frozen=True)
class ServerFact(Fact):
    """A server's state, or its deletion.

    Attributes:
        id: uuid.
        attributes: of a ``ServerRow``, by name; only those that were reported. ``zone`` is used
            only for a server on no host.
    """

    gone: bool = False
    attributes: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class PinFact(Fact):
    """The availability zone that a server was requested in; None if it is not pinned.

    Attributes:
        id: uuid of the server.
    """

    zone: str | None


@dataclass(frozen=True)
class HostFact(Fact):
    """The administrative state of a compute service. Notifications do not report whether it is up.

    Attributes:
        id: name of the compute service's host.
        forced_down: set by an operator or by a fencing agent.
    """

    disabled: bool
    disabled_reason: str | None
    forced_down: bool


@dataclass(frozen=True)
class GroupFact(Fact):
    """A server group, or its deletion.

    Attributes:
        id: uuid.
    """

    gone: bool = False
    name: str = ""
    policy: str = ""
    max_per_host: int = 1


@dataclass(frozen=True)
class MemberFact(Fact):
    """A server became a member of a group. It leaves the group only when it is deleted.

    Attributes:
        id: uuid of the server.
        group: uuid of the group.
    """

    group: str


@dataclass(frozen=True)
class PoolFact(Fact):
    """The capacity of a storage pool.

    Attributes:
        id: its name, ``host@backend#pool``.
        figures: of a ``PoolRow``, by name, GB; missing or None means unknown.
    """

    figures: Mapping[str, float | str | None]


@dataclass(frozen=True)
class VolumeFact(Fact):
    """A volume's state, or its deletion.

    Attributes:
        id: uuid.
        type_id: uuid of its type; None if it has none or if it was not reported.
        attributes: of a ``VolumeRow``, by name; only those that were reported. ``attachments`` are
            pairs of server id and attachment id.
    """

    gone: bool = False
    type_id: str | None = None
    attributes: JsonObject = field(default_factory=dict)


ComputeFact = ServerFact | PinFact | HostFact | GroupFact | MemberFact
StorageFact = PoolFact | VolumeFact
F = TypeVar("F", bound=Fact)


@dataclass(frozen=True)
class FactSet:
    """A set of facts: each field holds the facts of one type, one per resource, sorted by id."""

    def __len__(self) -> int:
        return sum(len(getattr(self, each.name)) for each in fields(self))

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> Self:
        """The set of some facts."""
        found: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            found[_FIELD_OF[type(fact)]].append(fact)
        return cls(**{name: _joined((), those) for name, those in found.items()})

    def joined(self, other: Self) -> Self:
        """The facts of both sets: the later one about each resource; a deletion is final."""
        return type(self)(
            **{
                each.name: _joined(getattr(self, each.name), getattr(other, each.name))
                for each in fields(self)
            }
        )

    def filtered(self, keep: Callable[[Fact], bool]) -> Self:
        """The facts for which ``keep`` is true."""
        return type(self)(
            **{each.name: tuple(filter(keep, getattr(self, each.name))) for each in fields(self)}
        )


@dataclass(frozen=True)
class ComputeFacts(FactSet):
    """Facts about hosts and servers."""

    servers: tuple[ServerFact, ...] = ()
    pins: tuple[PinFact, ...] = ()
    hosts: tuple[HostFact, ...] = ()
    groups: tuple[GroupFact, ...] = ()
    members: tuple[MemberFact, ...] = ()


@dataclass(frozen=True)
class StorageFacts(FactSet):
    """Facts about pools and volumes."""

    pools: tuple[PoolFact, ...] = ()
    volumes: tuple[VolumeFact, ...] = ()


_FIELD_OF: Mapping[type[Fact], str] = {
    ServerFact: "servers",
    PinFact: "pins",
    HostFact: "hosts",
    GroupFact: "groups",
    MemberFact: "members",
    PoolFact: "pools",
    VolumeFact: "volumes",
}


def _joined(ours: Iterable[F], theirs: Iterable[F]) -> tuple[F, ...]:
    known: dict[str, F] = {fact.id: fact for fact in ours}
    for fact in theirs:
        other = known.get(fact.id)
        known[fact.id] = fact if other is None else lasting(other, fact)
    return tuple(known[key] for key in sorted(known))


def later(one: F, other: F) -> F:
    """Of two facts about a resource, the one with the greater stamp."""
    return other if other.stamp > one.stamp else one


def lasting(one: F, other: F) -> F:
    """The later of two facts about a resource; a deletion is final."""
    if one.gone != other.gone:
        return one if one.gone else other
    return later(one, other)
