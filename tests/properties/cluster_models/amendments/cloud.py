"""A cloud with a history: what it was at any time, what it told, and what a collection shows.

As Nova does it (seen in real ones): a notification of a change carries the version that the record
had *before* it, and versions have whole seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from random import Random

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow, HostRow, ServerRow
from domain.cluster_models.amendments import (
    ComputeFact,
    ComputeFacts,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
    Stamp,
)

HOSTS = ("h0", "h1", "h2")
SERVERS = tuple(f"s{n}" for n in range(4))
GROUP = "g0"
TOLERANCE = 1.0
"""Seconds by which the clocks of those who tell and of those who read may differ."""


@dataclass(frozen=True)
class State:
    """Everything there is, at one moment."""

    servers: dict[str, ServerRow] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()  # ids that existed once: they are never used again


class Cloud:
    """Lives a random life of some changes, at least one message told of each (but silent ones)."""

    def __init__(self, random: Random, changes: int) -> None:
        self._random = random
        self.now = 1000.0
        self.past: list[tuple[float, State]] = [(0.0, State())]
        self.silence = 0.0  # the end of the last change that no message tells of
        self.told: list[ComputeFact] = []
        self._messages = 0
        self._skewed = random.random() < 0.5
        "Whether tellers' clocks differ, by less than passes between any two changes."
        for _ in range(changes):
            self._live()
        self.now = max(self.now, self.silence) + 1

    @property
    def state(self) -> State:
        return self.past[-1][1]

    def at(self, time: float) -> State:
        return next(state for when, state in reversed(self.past) if when <= time)

    def collection(self, began: float, ended: float) -> ComputeModel:
        """What a reader sees that reads each thing at some time between."""
        random = self._random
        moment = {thing: random.uniform(began, ended) for thing in (*HOSTS, *SERVERS)}
        groups = self.at(random.uniform(began, ended)).members
        servers = [
            self.at(moment[name]).servers[name]
            for name in SERVERS
            if name in self.at(moment[name]).servers
        ]
        return build(
            [row for row in servers if row.state != "soft-delete"],
            frozenset(host for host in HOSTS if host in self.at(moment[host]).disabled),
            groups,
        )

    def truth(self) -> ComputeModel:
        """What a collection at the end shows."""
        return self.collection(self.now, self.now)

    def _live(self) -> None:
        pauses = (1.0, 1.6) if self._skewed else (0.05, 0.3, 0.9, 1.6)
        self.now += self._random.choice(pauses)
        free = [name for name in SERVERS if name not in self.state.used]
        alive = list(self.state.servers)
        kinds = [self._service, *([self._boot] * 2 if free else [])]
        if alive:
            kinds += [self._change] * 5 + [self._silent, self._delete]
        self._random.choice(kinds)()

    def _boot(self) -> None:
        random = self._random
        name = random.choice([one for one in SERVERS if one not in self.state.used])
        grouped = random.random() < 0.5
        row = ServerRow(name, name, random.choice(HOSTS), 1, 1, 1, status="ACTIVE")
        row = replace(row, pinned_zone=random.choice((None, "nova")), groups=(GROUP,) * grouped)
        self._tell(PinFact(name, self._stamp(), row.pinned_zone))
        members = (*self.state.members, name) if grouped else self.state.members
        if grouped:
            self._tell(GroupFact(GROUP, self._stamp(), name="g"))
            self._tell(MemberFact(name, self._stamp(), GROUP))
        self._save(row, members)

    def _change(self) -> None:
        self._save(self._other(self._any()))

    def _silent(self) -> None:
        """A change of which no message comes; its version is another than the one before.

        A silent deletion has no version. It is told from what is late only by the time, so what is
        read must be read so much later.
        """
        self.now = float(int(self.now) + 1)
        before = self._any()
        if self._random.random() < 0.5:
            self._save(replace(before, name=f"{before.id}-silently"), silent=True)
            self.silence = self.now
        else:
            self._remove(before)
            self.silence = self.now + 2 * TOLERANCE
        self.now = float(int(self.now) + 1)

    def _remove(self, row: ServerRow) -> None:
        servers = {key: one for key, one in self.state.servers.items() if key != row.id}
        members = tuple(one for one in self.state.members if one != row.id)
        self._become(replace(self.state, servers=servers, members=members))

    def _delete(self) -> None:
        row = self._any()
        self._remove(row)
        read = self._random.choice((0, row.updated_at or 0))  # who deletes may not have looked
        self._tell(ServerFact(row.id, self._stamp(read), gone=True))

    def _service(self) -> None:
        host = self._random.choice(HOSTS)
        self._become(replace(self.state, disabled=self.state.disabled ^ {host}))
        disabled = host in self.state.disabled
        self._tell(HostFact(host, self._stamp(), disabled, "why" * disabled, False))

    def _any(self) -> ServerRow:
        return self.state.servers[self._random.choice(sorted(self.state.servers))]

    def _other(self, row: ServerRow) -> ServerRow:
        random = self._random
        changed = (
            replace(row, host=random.choice((*HOSTS, None))),
            replace(row, state=random.choice(("active", "stopped", "soft-delete"))),
            replace(row, locked=not row.locked),
            replace(row, name=f"{row.id}-{random.randrange(100)}"),
        )
        return random.choice(changed)

    def _save(
        self, row: ServerRow, members: tuple[str, ...] | None = None, *, silent: bool = False
    ) -> None:
        before = self.state.servers.get(row.id)
        saved = replace(row, updated_at=int(self.now))
        state = replace(self.state, servers={**self.state.servers, row.id: saved})
        state = replace(state, used=state.used | {row.id})
        self._become(state if members is None else replace(state, members=members))
        if not silent:
            read = 0 if before is None else before.updated_at or 0
            self._tell(fact(saved, self._stamp(read, skewed=self._skewed)))

    def _become(self, state: State) -> None:
        self.past.append((self.now, state))

    def _tell(self, told: ComputeFact) -> None:
        self.told.append(told)

    def _stamp(self, version: int = 0, *, skewed: bool = False) -> Stamp:
        self._messages += 1
        skew = self._random.uniform(-0.9, 0.9) if skewed else 0.0
        return Stamp(version, self.now + 0.01 + skew, f"m{self._messages:04}")


def fact(row: ServerRow, stamp: Stamp) -> ServerFact:
    """What a message says of a server: all but what messages do not say."""
    unsaid = {"id", "pinned_zone", "groups", "numa_nodes", "updated_at"}
    told = {one.name: getattr(row, one.name) for one in fields(row) if one.name not in unsaid}
    return ServerFact(row.id, stamp, attributes=told)


def build(
    servers: list[ServerRow], disabled: frozenset[str], members: tuple[str, ...]
) -> ComputeModel:
    """The model of a state, as a collector makes it."""
    hosts = [
        HostRow(
            f"id-{host}",
            host,
            zone=f"z-{host}",
            status="disabled" if host in disabled else "enabled",
            disabled_reason="why" if host in disabled else None,
            traits=("COMPUTE_STATUS_DISABLED",) if host in disabled else (),
            vcpus=8,
        )
        for host in HOSTS
    ]
    zoned = [replace(row, zone=None if row.host is None else f"z-{row.host}") for row in servers]
    grouped = [replace(row, groups=(GROUP,) if row.id in members else ()) for row in zoned]
    model, quarantined = ComputeModel.build(hosts, grouped, [GroupRow(GROUP, "g", "", members)])
    assert not quarantined
    return model


def batches(random: Random, told: list[ComputeFact]) -> Iterator[ComputeFacts]:
    """The messages in any order, some of them twice, in batches of any size."""
    delivered = [*told, *random.choices(told, k=len(told) // 3)] if told else []
    random.shuffle(delivered)
    while delivered:
        size = random.randint(1, 4)
        yield ComputeFacts.of(delivered[:size])
        delivered = delivered[size:]


def comparable(model: ComputeModel) -> dict[str, object]:
    """What two models of one cloud must agree on: not the versions, nor the order of members."""
    columns = model.to_columns()
    for name in ("servers", "unplaced"):
        table = columns[name]
        assert isinstance(table, dict)
        table.pop("updated_at", None)
    columns["groups"] = {group.id: sorted(group.members) for group in model.groups}
    return columns
