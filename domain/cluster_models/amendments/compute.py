"""Applies facts about hosts and servers to a compute model."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

from domain.cluster.compute.allocations import Allocation
from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.foreign_allocations import own_allocation
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster.compute.records import GroupRow, ServerRow
from domain.cluster.table.edits import edited, replace_rows
from domain.cluster_models.amendments.amended_model import (
    AmendedModel,
    SplitTable,
    by_id,
    row_values,
)
from domain.cluster_models.amendments.facts import (
    ComputeFacts,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
)
from domain.kernel.reasons import Cause

HIDDEN = frozenset({"soft-delete"})
"""States in which a server is not listed, but may be restored."""
WAITING = "resized"
"""State in which a resize or a cold migration waits to be confirmed or reverted."""
DISABLED_TRAIT = "COMPUTE_STATUS_DISABLED"
"""Trait of a host's resource provider while its compute service is up and disabled."""
_HOST_COLUMNS = ("status", "disabled_reason", "state", "traits")
_FIELDS = tuple(field.name for field in fields(ServerRow))


class ComputeAmendments(AmendedModel[ComputeModel, ComputeFacts]):
    """A compute model, and facts that were admitted since its collection."""

    # -- one server or host ----------------------------------------------------------------------

    def server(self, identity: str) -> ServerRow | None:
        """A server with its facts applied; None if there is none, or if it is not listed now."""
        row = self.collected(identity)
        fact = self.servers.get(identity)
        if fact is not None:
            if fact.gone or fact.attributes.get("state") in HIDDEN:
                return None
            row = self._applied(row or ServerRow(identity), fact)
        if row is None:
            return None
        pin = self.pins.get(identity)
        return row if pin is None else replace(row, pinned_zone=pin.zone)

    def usable(self, identity: str) -> ServerRow | None:
        """Like ``server``; None also if it is on a host that the model does not hold."""
        row = self.server(identity)
        return row if row is not None and self.is_host_known(row) else None

    def collected(self, identity: str) -> ServerRow | None:
        """A server as the collection has it; None if it has none."""
        found = self._rows.find(identity)
        if found is None:
            return None
        values = row_values(*found, _FIELDS)
        place = values["host"]
        return ServerRow(**{**values, "host": None if place < 0 else self.base.hosts.name[place]})

    def version(self, identity: str) -> int | None:
        """``updated_at`` of a server that the collection has, seconds since the epoch."""
        found = self._rows.find(identity)
        return None if found is None else found[0].updated_at[found[1]]

    def is_shown(self, identity: str) -> bool:
        """Whether the collection has a server."""
        return self._rows.find(identity) is not None

    def is_host_known(self, row: ServerRow) -> bool:
        """Whether a server is on no host, or on one that the model holds."""
        return row.host is None or row.host in self.base.host_places

    def _applied(self, row: ServerRow, fact: ServerFact) -> ServerRow:
        values: dict[str, Any] = {
            name: value for name, value in fact.attributes.items() if name in _FIELDS
        }
        host = values.get("host", row.host)
        place = None if host is None else self.base.host_places.get(host)
        if place is not None:  # the zone in the server's own record may be older or newer
            values["zone"] = self.base.hosts.zone[place]
        if host != row.host:
            values["numa_nodes"] = None
        return replace(row, **values, updated_at=fact.stamp.version or row.updated_at)

    @cached_property
    def servers(self) -> Mapping[str, ServerFact]:
        """Facts by server id."""
        return by_id(self.facts.servers)

    @cached_property
    def pins(self) -> Mapping[str, PinFact]:
        """Facts by server id."""
        return by_id(self.facts.pins)

    @cached_property
    def hosts(self) -> Mapping[str, HostFact]:
        """Facts by host name."""
        return by_id(self.facts.hosts)

    @cached_property
    def groups(self) -> Mapping[str, GroupFact]:
        """Facts by group id."""
        return by_id(self.facts.groups)

    @cached_property
    def members(self) -> Mapping[str, MemberFact]:
        """Facts by server id."""
        return by_id(self.facts.members)

    @cached_property
    def _rows(self) -> SplitTable[ServerColumns]:
        base = self.base
        return SplitTable(base.servers, base.server_places, base.unplaced)

    # -- the whole model -------------------------------------------------------------------------

    def model(self) -> tuple[ComputeModel, tuple[Cause, ...]]:
        """The model with all facts applied, and which facts could not be applied."""
        groups = self._groups()
        member_of = _groups_by_member(groups)
        touched = {*self.servers, *self.pins, *self._regrouped(groups)}
        rows = [row for row in map(self.server, sorted(touched)) if row is not None]
        rows = [replace(row, groups=tuple(member_of.get(row.id, ()))) for row in rows]
        placed = [row for row in rows if row.host is not None and self.is_host_known(row)]
        loose = [row for row in rows if row.host is None]
        base = self.base
        places = {name: at for at, name in enumerate(base.hosts.name)}
        model = replace(
            base,
            hosts=edited(base.hosts, self._host_changes()),
            servers=replace_rows(
                base.servers, base.servers.id, touched, ServerColumns.of(placed, places)
            ),
            unplaced=replace_rows(
                base.unplaced, base.unplaced.id, touched, ServerColumns.of(loose)
            ),
            groups=groups,
        )
        return model, tuple(
            Cause(UNKNOWN_HOST, {"resource": row.id, "host": row.host})
            for row in rows
            if not self.is_host_known(row)
        )

    def host(self, name: str) -> dict[str, object]:
        """Current values of the columns of a host that notifications change, by service name."""
        hosts, at = self.base.hosts, self.base.host_places[name]
        fact = self.hosts.get(name)
        if fact is None:
            columns = (hosts.status, hosts.disabled_reason, hosts.state, hosts.traits)
            return dict(zip(_HOST_COLUMNS, (column[at] for column in columns), strict=True))
        is_up = hosts.state[at] == "up" and not fact.forced_down
        traits = set(hosts.traits[at])
        if is_up:  # a service that is down does not update Placement
            traits = traits | {DISABLED_TRAIT} if fact.disabled else traits - {DISABLED_TRAIT}
        status = ("disabled", fact.disabled_reason) if fact.disabled else ("enabled", None)
        state = "up" if is_up else "down"
        return dict(zip(_HOST_COLUMNS, (*status, state, tuple(sorted(traits))), strict=True))

    def _host_changes(self) -> dict[str, dict[int, object]]:
        changes: dict[str, dict[int, object]] = {"other_allocations": self._other_allocations()}
        for name in self.hosts.keys() & self.base.host_places.keys():
            for column, value in self.host(name).items():
                changes.setdefault(column, {})[self.base.host_places[name]] = value
        return changes

    def _other_allocations(self) -> dict[int, object]:
        """Host → allocations of other consumers there, where they differ from the collection.

        Deleted servers hold nothing. Servers that wait for confirmation of a resize or migration
        hold what they had before, on the host where they had it.
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
        """Host and allocation of each server that may still be moved back to that host.

        In Placement the consumer is a migration. Notifications do not report it.
        """
        for fact in self.facts.servers:
            if fact.attributes.get("state") != WAITING:
                continue
            row = None if fact.gone else self.collected(fact.id)
            if row is None or row.host is None or row.state == WAITING:
                continue
            held = own_allocation(row, f"migration of {fact.id}")
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
                known[joined.group] = _with_member(known[joined.group], joined.id)
        gone = {fact.id for fact in self.facts.servers if fact.gone}
        return tuple(_without_members(known[key], gone) for key in sorted(known))

    def _regrouped(self, groups: Iterable[GroupRow]) -> set[str]:
        """Collected servers whose groups may differ from the collection."""
        if not (self.groups or self.members):
            return set()
        left = {group.id for group in groups}
        changed = set(self.members)
        for group in self.base.groups:
            if group.id not in left:
                changed.update(group.members)
        return {server for server in changed if self.is_shown(server)}


def _with_member(group: GroupRow, member: str) -> GroupRow:
    known = member in group.members
    return group if known else replace(group, members=(*group.members, member))


def _without_members(group: GroupRow, gone: set[str]) -> GroupRow:
    if gone.isdisjoint(group.members):
        return group
    return replace(group, members=tuple(one for one in group.members if one not in gone))


def _groups_by_member(groups: Iterable[GroupRow]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group in groups:
        for member in group.members:
            found.setdefault(member, []).append(group.id)
    return found
