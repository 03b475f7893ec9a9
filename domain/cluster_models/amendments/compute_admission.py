"""Decides which facts about hosts and servers are admitted, and what they leave unclear."""

from collections import Counter
from dataclasses import dataclass, replace

from domain.cluster.compute.reasons import HOST_DOWN, UNKNOWN_HOST
from domain.cluster.compute.records import ServerRow
from domain.cluster_models.amendments.admission_rules import (
    Admission,
    AdmissionRules,
    Ignored,
    admit,
    after_deletion,
    row_change,
)
from domain.cluster_models.amendments.compute import ComputeAmendments
from domain.cluster_models.amendments.facts import (
    ComputeFact,
    ComputeFacts,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
)
from domain.cluster_models.reasons import PIN_UNKNOWN
from domain.kernel.reasons import Cause


def admit_compute(
    known: ComputeAmendments, new: ComputeFacts, since: float
) -> Admission[ComputeFacts, ComputeAmendments]:
    """Judges facts about hosts and servers (see ``admit``).

    ``since``: seconds since the epoch; the collection has seen what was sent earlier.
    """
    return admit(known, new, ComputeRules(since, known).judge, _changes, _unclear)


@dataclass(frozen=True)
class ComputeRules(AdmissionRules):
    """Judges facts about hosts and servers. Returns why a fact is ignored; None: it is admitted."""

    known: ComputeAmendments

    def judge(self, fact: ComputeFact) -> Ignored | None:
        """The rule for the fact's type."""
        match fact:
            case ServerFact():
                return self.server(fact)
            case PinFact():
                return self.state(self.known.pins.get(fact.id), fact)
            case HostFact():
                return self.host(fact)
            case GroupFact():
                return self.group(fact)
            case MemberFact():
                return self.member(fact)

    def server(self, fact: ServerFact) -> Ignored | None:
        """A server."""
        before = self.known.servers.get(fact.id)
        if before is not None and before.gone:
            return after_deletion(fact)
        if fact.gone:
            return self.deletion(fact, is_shown=self.known.is_shown(fact.id))
        return Ignored.COLLECTED if self.has_newer_row(fact) else self.state(before, fact)

    def host(self, fact: HostFact) -> Ignored | None:
        """A compute service."""
        if fact.id not in self.known.base.host_places:
            return Ignored.UNKNOWN_HOST
        return self.state(self.known.hosts.get(fact.id), fact)

    def group(self, fact: GroupFact) -> Ignored | None:
        """A server group."""
        before = self.known.groups.get(fact.id)
        if before is not None and before.gone:
            return after_deletion(fact)
        return self.state(None if fact.gone else before, fact)

    def member(self, fact: MemberFact) -> Ignored | None:
        """A membership."""
        if self.is_early(fact):
            return Ignored.COLLECTED
        return Ignored.DUPLICATE if fact.id in self.known.members else None

    def has_newer_row(self, fact: ServerFact) -> bool:
        """Whether the collection read a later version than the sender of the fact had read.

        Then it has read at least the version that the sender wrote (see ``Stamp.version``).
        """
        row = self.known.version(fact.id)
        return row is not None and fact.stamp.version < row


def _changes(
    before: ComputeAmendments, after: ComputeAmendments, admitted: ComputeFacts
) -> Counter[str]:
    """Effects of the facts, in counts. The cost depends on the facts, not on the model's size."""
    counts: Counter[str] = Counter()
    for identity in {fact.id for fact in (*admitted.servers, *admitted.pins)}:
        rows = (_unversioned(one.usable(identity)) for one in (before, after))
        counts[row_change("servers", "host", *rows)] += 1
    for host in {service.id for service in admitted.hosts}:
        counts["hosts_changed" if before.host(host) != after.host(host) else ""] += 1
    return counts


def _unversioned(row: ServerRow | None) -> ServerRow | None:
    return None if row is None else replace(row, updated_at=None)


def _unclear(before: ComputeAmendments, after: ComputeAmendments, new: ComputeFacts) -> list[Cause]:
    """What only a collection can answer."""
    found: list[Cause] = []
    for identity in sorted({fact.id for fact in new.servers}):
        was, row = before.server(identity), after.server(identity)
        if row is None or row == was:
            continue
        if not after.is_host_known(row):
            found.append(Cause(UNKNOWN_HOST, {"resource": identity, "host": row.host}))
        if was is None and not (before.is_shown(identity) or identity in after.pins):
            found.append(Cause(PIN_UNKNOWN, {"server": identity}))
    for service in new.hosts:
        row_index = after.base.host_places.get(service.id)
        if row_index is None:
            found.append(Cause(UNKNOWN_HOST, {"resource": "service", "host": service.id}))
        elif not service.forced_down and after.base.hosts.state[row_index] == "down":
            found.append(Cause(HOST_DOWN, {"host": service.id}))
    return found
