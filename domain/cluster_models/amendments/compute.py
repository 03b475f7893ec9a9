"""Facts about hosts and servers, applied to a compute model."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

from domain.cluster.compute.allocations import Allocation
from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.edits import edited, exchanged
from domain.cluster.compute.foreign_allocations import booked
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow, ServerRow
from domain.cluster_models.amendments.facts import (
    ComputeFacts,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
)
from domain.kernel.reasons import Cause, Reason

HIDDEN = frozenset({"soft-delete"})
"""States in which a server is not listed, but may come back."""
WAITING = "resized"
"""State in which a resize or a cold migration waits to be confirmed, or undone."""
DISABLED_TRAIT = "COMPUTE_STATUS_DISABLED"
"""What Placement's provider of a host has while its (living) compute service is disabled."""
_OF_HOSTS = ("status", "disabled_reason", "state", "traits")
_FIELDS = tuple(field.name for field in fields(ServerRow))


class ComputeAmendments:
    """A compute model, and facts that came after it.

    Args:
        base: what a complete collection showed.
        facts: those that were admitted.
    """

    def __init__(self, base: ComputeModel, facts: ComputeFacts) -> None:
        self.base = base
        self.facts = facts

    # -- one thing -------------------------------------------------------------------------------

    def server(self, identity: str) -> ServerRow | None:
        """A server with what is told of it; None if there is none (or it is not listed now)."""
        row = self.collected(identity)
        fact = self.servers.get(identity)
        if fact is not None:
            if fact.gone or fact.attributes.get("state") in HIDDEN:
                return None
            row = self._told(row or ServerRow(identity), fact)
        if row is None:
            return None
        pin = self.pins.get(identity)
        return row if pin is None else replace(row, pinned_zone=pin.zone)

    def usable(self, identity: str) -> ServerRow | None:
        """Likewise; None also while it is on a host that the model does not hold."""
        row = self.server(identity)
        return row if row is not None and self.known_host(row) else None

    def collected(self, identity: str) -> ServerRow | None:
        """A server as the collection showed it, None if it did not."""
        at = self.base.server_places.get(identity)
        if at is not None:
            return _row(self.base.servers, at, self.base.hosts.name)
        at = self._loose.get(identity)
        return None if at is None else _row(self.base.unplaced, at, ())

    def version(self, identity: str) -> int | None:
        """The version at its source of a server that the collection showed."""
        at = self.base.server_places.get(identity)
        if at is not None:
            return self.base.servers.updated_at[at]
        at = self._loose.get(identity)
        return None if at is None else self.base.unplaced.updated_at[at]

    def shown(self, identity: str) -> bool:
        """Whether the collection showed a server."""
        return identity in self.base.server_places or identity in self._loose

    def known_host(self, row: ServerRow) -> bool:
        """Whether a server is on no host, or on one that the model holds."""
        return row.host is None or row.host in self.base.host_places

    def _told(self, row: ServerRow, fact: ServerFact) -> ServerRow:
        told: dict[str, Any] = {
            name: value for name, value in fact.attributes.items() if name in _FIELDS
        }
        host = told.get("host", row.host)
        place = None if host is None else self.base.host_places.get(host)
        if place is not None:  # a server's own idea of its zone is ahead of it, or behind
            told["zone"] = self.base.hosts.zone[place]
        if host != row.host:
            told["numa_nodes"] = None
        return replace(row, **told, updated_at=fact.stamp.version or row.updated_at)

    @cached_property
    def servers(self) -> Mapping[str, ServerFact]:
        """Server id → what is told of it."""
        return {fact.id: fact for fact in self.facts.servers}

    @cached_property
    def pins(self) -> Mapping[str, PinFact]:
        """Server id → what is told of its zone."""
        return {fact.id: fact for fact in self.facts.pins}

    @cached_property
    def hosts(self) -> Mapping[str, HostFact]:
        """Host name → what is told of its service."""
        return {fact.id: fact for fact in self.facts.hosts}

    @cached_property
    def groups(self) -> Mapping[str, GroupFact]:
        """Group id → what is told of it."""
        return {fact.id: fact for fact in self.facts.groups}

    @cached_property
    def members(self) -> Mapping[str, MemberFact]:
        """Server id → the group that it joined."""
        return {fact.id: fact for fact in self.facts.members}

    @cached_property
    def _loose(self) -> Mapping[str, int]:
        return {server: at for at, server in enumerate(self.base.unplaced.id)}

    # -- everything ------------------------------------------------------------------------------

    def model(self) -> tuple[ComputeModel, tuple[Cause, ...]]:
        """The model with everything that is told, and what of it could not be used."""
        groups = self._groups()
        member_of = _members(groups)
        touched = {*self.servers, *self.pins, *self._regrouped(groups)}
        rows = [row for row in map(self.server, sorted(touched)) if row is not None]
        rows = [replace(row, groups=tuple(member_of.get(row.id, ()))) for row in rows]
        placed = [row for row in rows if row.host is not None and self.known_host(row)]
        loose = [row for row in rows if row.host is None]
        base = self.base
        places = {name: at for at, name in enumerate(base.hosts.name)}
        model = replace(
            base,
            hosts=edited(base.hosts, self._host_changes()),
            servers=exchanged(
                base.servers, base.servers.id, touched, ServerColumns.of(placed, places)
            ),
            unplaced=exchanged(base.unplaced, base.unplaced.id, touched, ServerColumns.of(loose)),
            groups=groups,
        )
        return model, tuple(
            Cause(Reason.UNKNOWN_HOST, {"resource": row.id, "host": row.host})
            for row in rows
            if not self.known_host(row)
        )

    def host(self, name: str) -> dict[str, object]:
        """What a notification may change of a host (by its service's name), as it is now."""
        hosts, at = self.base.hosts, self.base.host_places[name]
        fact = self.hosts.get(name)
        if fact is None:
            columns = (hosts.status, hosts.disabled_reason, hosts.state, hosts.traits)
            return dict(zip(_OF_HOSTS, (column[at] for column in columns), strict=True))
        alive = hosts.state[at] == "up" and not fact.forced_down
        traits = set(hosts.traits[at])
        if alive:  # a dead service does not tell Placement
            traits = traits | {DISABLED_TRAIT} if fact.disabled else traits - {DISABLED_TRAIT}
        status = ("disabled", fact.disabled_reason) if fact.disabled else ("enabled", None)
        state = "up" if alive else "down"
        return dict(zip(_OF_HOSTS, (*status, state, tuple(sorted(traits))), strict=True))

    def _host_changes(self) -> dict[str, dict[int, object]]:
        changes: dict[str, dict[int, object]] = {"other_allocations": self._booked()}
        for name in self.hosts.keys() & self.base.host_places.keys():
            for column, value in self.host(name).items():
                changes.setdefault(column, {})[self.base.host_places[name]] = value
        return changes

    def _booked(self) -> dict[int, object]:
        """Host → what others hold there now, where that is not what was collected.

        Servers that are gone for ever hold nothing any more; those that wait to be confirmed hold
        what they had before, where they had it.
        """
        gone = {fact.id for fact in self.facts.servers if fact.gone}
        known = self.base.hosts.other_allocations
        now: dict[int, list[Allocation]] = {}
        if gone and any(known.table):
            now = {
                place: [one for one in held if one.consumer not in gone]
                for place in range(len(known))
                if (held := known[place])
            }
        for place, one in self._waiting():
            now.setdefault(place, list(known[place] or ())).append(one)
        changed = {place: tuple(sorted(held)) or None for place, held in now.items()}
        return {place: held for place, held in changed.items() if held != known[place]}

    def _waiting(self) -> Iterator[tuple[int, Allocation]]:
        """Host, and what a server would need there that may still be sent back.

        Placement has booked that to a migration, of which no message tells.
        """
        told = (f for f in self.facts.servers if f.attributes.get("state") == WAITING)
        for fact in told:
            row = None if fact.gone else self.collected(fact.id)
            if row is None or row.host is None or row.state == WAITING:
                continue
            held = booked(row, f"migration of {fact.id}")
            if held is not None:
                yield self.base.host_places[row.host], held

    def _groups(self) -> tuple[GroupRow, ...]:
        known = {group.id: group for group in self.base.groups}
        for fact in self.facts.groups:
            if fact.gone:
                known.pop(fact.id, None)
            elif fact.id not in known:
                known[fact.id] = GroupRow(
                    fact.id, fact.name, fact.policy, max_per_host=fact.max_per_host
                )
        for joined in self.facts.members:
            if joined.group in known:
                known[joined.group] = _with(known[joined.group], joined.id)
        gone = {fact.id for fact in self.facts.servers if fact.gone}
        return tuple(_without(known[key], gone) for key in sorted(known))

    def _regrouped(self, groups: Iterable[GroupRow]) -> set[str]:
        """Servers of the base whose membership may be another than there."""
        if not (self.groups or self.members):
            return set()
        left = {group.id for group in groups}
        changed = set(self.members)
        for group in self.base.groups:
            if group.id not in left:
                changed.update(group.members)
        return {server for server in changed if self.shown(server)}


def _with(group: GroupRow, member: str) -> GroupRow:
    known = member in group.members
    return group if known else replace(group, members=(*group.members, member))


def _without(group: GroupRow, gone: set[str]) -> GroupRow:
    if gone.isdisjoint(group.members):
        return group
    return replace(group, members=tuple(one for one in group.members if one not in gone))


def _members(groups: Iterable[GroupRow]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group in groups:
        for member in group.members:
            found.setdefault(member, []).append(group.id)
    return found


def _row(table: ServerColumns, at: int, hosts: tuple[str, ...]) -> ServerRow:
    values: dict[str, Any] = {}
    for name, column in table.columns():
        if name in _FIELDS:
            value = column[at]
            values[name] = value.item() if hasattr(value, "item") else value
    place = values["host"]
    return ServerRow(**{**values, "host": None if place < 0 else hosts[place]})
