"""Server groups, and the operator's keep-apart and keep-together lists, which work the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.rules.rule import BranchRule
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.reasons import Cause, Reason

GROUP_AFFINITY = Reason("group-affinity", "affinity group {group} must stay together on {bound}")
GROUP_ANTI_AFFINITY = Reason(
    "group-anti-affinity",
    "{host} already has a member of anti-affinity group {group}",
)

AFFINITY = "affinity"
ANTI_AFFINITY = "anti-affinity"
SOFT_AFFINITY = "soft-affinity"
SOFT_ANTI_AFFINITY = "soft-anti-affinity"


class GroupIndex:
    """Groups with their members as indices.

    A group with a member on a host outside the scope cannot be joined on a host inside it.

    Attributes:
        groups: the cloud's groups, then the others.
        members: of each group, indices in order.
        has_outside_members: of each group, whether it has members outside the scope.
        booked: group → (member, host) pairs: a member that has an allocation on a host where it is
            not, because it is migrating there or being built there.
        cloud_groups: number of the groups that are the cloud's.
        policies: those of the groups.
    """

    def __init__(self, model: ComputeModel, extra: Iterable[GroupRow] = ()) -> None:
        self.cloud_groups = len(model.groups)
        self.groups: Sequence[GroupRow] = (*model.groups, *extra)
        members: list[set[str]] = [set(group.members) for group in self.groups]
        by_id = {group.id: place for place, group in enumerate(self.groups)}
        for code, listed in enumerate(model.servers.groups.table):
            for group in (by_id[g] for g in listed if g in by_id):
                rows = np.flatnonzero(model.servers.groups.codes == code)
                members[group].update(model.servers.id[row] for row in rows)
        places = model.server_places
        self.members = tuple(
            tuple(sorted(places[m] for m in found if m in places)) for found in members
        )
        self.has_outside_members = tuple(not model.outside.isdisjoint(found) for found in members)
        self.booked = _booked(model, members)
        self.policies = frozenset(group.policy for group in self.groups)
        self._of: dict[int, list[int]] = defaultdict(list)
        for group, found in enumerate(self.members):
            for server in found:
                self._of[server].append(group)

    def of(self, server: int, policy: str) -> list[int]:
        """Groups of a policy that a server is in."""
        return [g for g in self._of.get(server, ()) if self.groups[g].policy == policy]

    def of_any(self, server: int) -> Sequence[int]:
        """All groups that a server is in."""
        return self._of.get(server, ())

    def others(self, group: int, server: int) -> list[int]:
        """The other members of a group."""
        return [member for member in self.members[group] if member != server]


def _booked(
    model: ComputeModel, members: Sequence[set[str]]
) -> Mapping[int, Sequence[tuple[str, int]]]:
    held = model.hosts.other_allocations
    hosts = [host for host in range(len(held)) if held[host]]
    if not hosts:
        return {}
    groups_of: dict[str, list[int]] = defaultdict(list)
    for group, found in enumerate(members):
        for member in found:
            groups_of[member].append(group)
    booked: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for host in hosts:
        for one in held[host] or ():
            at = model.server_places.get(one.consumer)
            if at is None or model.servers.host[at] != host:
                for group in groups_of.get(one.consumer, ()):
                    booked[group].append((one.consumer, host))
    return booked


class Affinity(BranchRule):
    """The host already has another member of the server's affinity group that is not moving.

    Nova counts a server's own host among the hosts of its group, so a lone member of a server
    group stays on its host. A lone member of an operator's list may go anywhere.
    """

    def __init__(self, index: GroupIndex) -> None:
        self._index = index
        self.can_refuse = AFFINITY in index.policies

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: with the other members, for every such group."""
        mask: BoolArray | None = None
        for group in self._binding(server):
            together = np.zeros(len(branch.model.hosts), dtype=np.bool_)
            together[self._places(branch, group, server)] = True
            mask = together if mask is None else mask & together
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """The first group that would be split."""
        names = branch.model.hosts.name
        places = ((group, self._places(branch, group, server)) for group in self._binding(server))
        group, at = next((group, at) for group, at in places if host not in at)
        bound = ", ".join(sorted(names[place] for place in set(at))) or "another host"
        facts: dict[str, object] = {
            "group": self._index.groups[group].id,
            "bound": bound,
            "host": names[host],
        }
        return Cause(GROUP_AFFINITY, facts)

    def _binding(self, server: int) -> list[int]:
        """The server's groups, without operators' lists of which no other member exists."""
        index = self._index
        return [
            group
            for group in index.of(server, AFFINITY)
            if index.others(group, server)
            or index.has_outside_members[group]
            or group < index.cloud_groups
        ]

    def _places(self, branch: Branch, group: int, server: int) -> list[int]:
        """The hosts of the other members that are not moving."""
        others = self._index.others(group, server)
        return [int(branch.host_of[one]) for one in others if one not in branch.moving]


class AntiAffinity(BranchRule):
    """The host has fewer other members of the server's anti-affinity group than the group allows.

    Moving members count on both hosts. So do members that Nova is migrating or building: their
    allocations on the destination are known.
    """

    def __init__(self, index: GroupIndex) -> None:
        self._index = index
        self.can_refuse = ANTI_AFFINITY in index.policies

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: apart from the other members, for every such group."""
        mask: BoolArray | None = None
        for group in self._index.of(server, ANTI_AFFINITY):
            held = self._held(branch, group, server)
            apart = held < max(1, self._index.groups[group].max_per_host)
            mask = apart if mask is None else mask & apart
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """The group that has a member there."""
        for group in self._index.of(server, ANTI_AFFINITY):
            row = self._index.groups[group]
            if self._held(branch, group, server)[host] >= max(1, row.max_per_host):
                facts: dict[str, object] = {
                    "group": row.id,
                    "host": branch.model.hosts.name[host],
                }
                break
        return Cause(GROUP_ANTI_AFFINITY, facts)

    def _held(self, branch: Branch, group: int, server: int) -> IntArray:
        others = self._index.others(group, server)
        places = [int(branch.host_of[other]) for other in others]
        places += [branch.moving[other] for other in others if other in branch.moving]
        own = branch.model.servers.id[server]
        places += [host for member, host in self._index.booked.get(group, ()) if member != own]
        return np.bincount(places, minlength=len(branch.model.hosts)).astype(np.int64)


class SoftGroups:
    """Soft group policies: a preference among hosts, never a refusal."""

    def __init__(self, index: GroupIndex) -> None:
        self._index = index
        self._policies = sorted({SOFT_AFFINITY, SOFT_ANTI_AFFINITY} & index.policies)

    def penalty(self, branch: Branch, server: int) -> IntArray | None:
        """int64[hosts]: members placed against the policy; None if the server has no such group."""
        total: IntArray | None = None
        for policy in self._policies:
            for group in self._index.of(server, policy):
                places = [int(branch.host_of[o]) for o in self._index.others(group, server)]
                held = np.bincount(places, minlength=len(branch.model.hosts)).astype(np.int64)
                cost = held if policy == SOFT_ANTI_AFFINITY else len(places) - held
                total = cost if total is None else total + cost
        return total
