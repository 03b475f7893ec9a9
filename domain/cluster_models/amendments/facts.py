"""What notifications tell, as values: each fact is about one thing, at one moment of its source.

Facts of a kind are held in a set that keeps one fact per thing (``ComputeFacts``,
``StorageFacts``). Joining sets is commutative, associative and idempotent, so facts may come in
any order, any number of times, by any number of listeners, and the set is the same in the end.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from domain.kernel.aggregate import JsonObject


@dataclass(frozen=True, order=True)
class Stamp:
    """Which moment of its source a fact shows. The greater of two stamps is the later moment.

    Attributes:
        version: the thing's own version there (its ``updated_at``), seconds since the epoch;
            0 when it has none, or never changed before. It is the version that the teller had
            *read*: what it tells may already be the next one.
        at: when it was told, seconds since the epoch, by the teller's clock.
        message: id of the message; decides between equals.
    """

    version: int
    at: float
    message: str


class Fact(Protocol):
    """What all facts have: a thing that they are about, and a stamp."""

    @property
    def id(self) -> str:
        """What it is about."""
        ...

    @property
    def stamp(self) -> Stamp:
        """Which moment it shows."""
        ...


@dataclass(frozen=True)
class ServerFact:
    """A server as it was, or that it is gone for ever (server ids are never used again).

    Attributes:
        id: uuid.
        gone: it was deleted.
        attributes: of a ``ServerRow``, by name; what is missing is not told. ``zone`` is only meant
            for a server that is on no host.
    """

    id: str
    stamp: Stamp
    gone: bool = False
    attributes: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class PinFact:
    """The availability zone that a server was asked to stay in, None: it is free.

    Attributes:
        id: uuid of the server.
    """

    id: str
    stamp: Stamp
    zone: str | None


@dataclass(frozen=True)
class HostFact:
    """What an operator wants of a compute service. That it is alive is told by no notification.

    Attributes:
        id: name of the compute service's host.
        forced_down: declared dead by an operator or by a fencing agent.
    """

    id: str
    stamp: Stamp
    disabled: bool
    disabled_reason: str | None
    forced_down: bool


@dataclass(frozen=True)
class GroupFact:
    """A server group, or that it is gone for ever.

    Attributes:
        id: uuid.
    """

    id: str
    stamp: Stamp
    gone: bool = False
    name: str = ""
    policy: str = ""
    max_per_host: int = 1


@dataclass(frozen=True)
class MemberFact:
    """A server became a member of a group. It leaves the group only by being deleted.

    Attributes:
        id: uuid of the server.
        group: uuid of the group.
    """

    id: str
    stamp: Stamp
    group: str


@dataclass(frozen=True)
class PoolFact:
    """The figures of a storage pool.

    Attributes:
        id: its name, ``host@backend#pool``.
        figures: of a ``PoolRow``, by name, GB; what is missing or None is not known.
    """

    id: str
    stamp: Stamp
    figures: Mapping[str, float | str | None]


@dataclass(frozen=True)
class VolumeFact:
    """A volume as it was, or that it is gone for ever.

    Attributes:
        id: uuid.
        type_id: uuid of its type; None when it has none or that is not told.
        attributes: of a ``VolumeRow``, by name; what is missing is not told. ``attachments`` are
            pairs of server id and attachment id.
    """

    id: str
    stamp: Stamp
    gone: bool = False
    type_id: str | None = None
    attributes: JsonObject = field(default_factory=dict)


ComputeFact = ServerFact | PinFact | HostFact | GroupFact | MemberFact
StorageFact = PoolFact | VolumeFact
F = TypeVar("F", bound=Fact)
E = TypeVar("E", ServerFact, GroupFact, VolumeFact)


@dataclass(frozen=True)
class ComputeFacts:
    """Facts about hosts and servers: at most one of each sort about each thing, by id."""

    servers: tuple[ServerFact, ...] = ()
    pins: tuple[PinFact, ...] = ()
    hosts: tuple[HostFact, ...] = ()
    groups: tuple[GroupFact, ...] = ()
    members: tuple[MemberFact, ...] = ()

    def __bool__(self) -> bool:
        return len(self) > 0

    def __len__(self) -> int:
        return sum(map(len, (self.servers, self.pins, self.hosts, self.groups, self.members)))

    @staticmethod
    def of(told: "Iterable[ComputeFact]") -> "ComputeFacts":
        """The set of some facts."""
        facts = list(told)
        return ComputeFacts(
            servers=_joined((), (f for f in facts if isinstance(f, ServerFact)), lasting),
            pins=_joined((), (f for f in facts if isinstance(f, PinFact)), later),
            hosts=_joined((), (f for f in facts if isinstance(f, HostFact)), later),
            groups=_joined((), (f for f in facts if isinstance(f, GroupFact)), lasting),
            members=_joined((), (f for f in facts if isinstance(f, MemberFact)), later),
        )

    def joined(self, other: "ComputeFacts") -> "ComputeFacts":
        """Everything that both tell; the later fact about a thing counts, deletion for ever."""
        return ComputeFacts(
            servers=_joined(self.servers, other.servers, lasting),
            pins=_joined(self.pins, other.pins, later),
            hosts=_joined(self.hosts, other.hosts, later),
            groups=_joined(self.groups, other.groups, lasting),
            members=_joined(self.members, other.members, later),
        )


@dataclass(frozen=True)
class StorageFacts:
    """Facts about pools and volumes: at most one about each thing, by id."""

    pools: tuple[PoolFact, ...] = ()
    volumes: tuple[VolumeFact, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pools or self.volumes)

    def __len__(self) -> int:
        return len(self.pools) + len(self.volumes)

    @staticmethod
    def of(told: "Iterable[StorageFact]") -> "StorageFacts":
        """The set of some facts."""
        facts = list(told)
        return StorageFacts(
            pools=_joined((), (f for f in facts if isinstance(f, PoolFact)), later),
            volumes=_joined((), (f for f in facts if isinstance(f, VolumeFact)), lasting),
        )

    def joined(self, other: "StorageFacts") -> "StorageFacts":
        """Everything that both tell; the later fact about a thing counts, deletion for ever."""
        return StorageFacts(
            pools=_joined(self.pools, other.pools, later),
            volumes=_joined(self.volumes, other.volumes, lasting),
        )


def _joined(ours: Iterable[F], theirs: Iterable[F], choose: Callable[[F, F], F]) -> tuple[F, ...]:
    known: dict[str, F] = {fact.id: fact for fact in ours}
    for fact in theirs:
        other = known.get(fact.id)
        known[fact.id] = fact if other is None else choose(other, fact)
    return tuple(known[key] for key in sorted(known))


def later(one: F, other: F) -> F:
    """Of two facts about a thing, the one with the greater stamp."""
    return other if other.stamp > one.stamp else one


def lasting(one: E, other: E) -> E:
    """Likewise, but nothing comes after a deletion."""
    if one.gone != other.gone:
        return one if one.gone else other
    return later(one, other)
