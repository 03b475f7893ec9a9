"""Facts about hosts and servers, judged: which are news, and what they leave open."""

from collections import Counter
from dataclasses import replace

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import ServerRow
from domain.cluster_models.amendments.compute import ComputeAmendments
from domain.cluster_models.amendments.facts import (
    ComputeFacts,
    Fact,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
)
from domain.cluster_models.amendments.verdicts import (
    Admission,
    DuplicateFilter,
    Ignored,
    after_deletion,
    deletion,
    in_order,
    named,
)
from domain.kernel.reasons import Cause, Reason


def admit_compute(
    known: ComputeAmendments, told: ComputeFacts, since: float
) -> Admission[ComputeFacts, ComputeAmendments]:
    """Judges each fact against the collection and against what was admitted before.

    Args:
        known: the collected model, with the facts that were admitted so far.
        told: new facts, in any order.
        since: seconds since the epoch: what was told earlier, the collection has seen.
    """
    judge, ledger = _Judge(known, since), DuplicateFilter()
    admitted = ComputeFacts(
        servers=tuple(fact for fact in told.servers if ledger.is_news(judge.server(fact))),
        pins=tuple(fact for fact in told.pins if ledger.is_news(judge.pin(fact))),
        hosts=tuple(fact for fact in told.hosts if ledger.is_news(judge.host(fact))),
        groups=tuple(fact for fact in told.groups if ledger.is_news(judge.group(fact))),
        members=tuple(fact for fact in told.members if ledger.is_news(judge.member(fact))),
    )
    after = ComputeAmendments(known.base, known.facts.joined(admitted))
    return Admission(
        admitted,
        after,
        ledger.ignored,
        _changes(known, after, admitted),
        tuple(_unclear(known, after, told)),
    )


class _Judge:
    """Says of each fact why it is no news; None: it is."""

    def __init__(self, known: ComputeAmendments, since: float) -> None:
        self._known = known
        self._since = since

    def server(self, fact: ServerFact) -> Ignored | None:
        before = self._known.servers.get(fact.id)
        if before is not None and before.gone:
            return after_deletion(fact)
        if fact.gone:
            return deletion(fact, self._since, shown=self._known.shown(fact.id))
        if self._early(fact) or self._newer_row(fact):
            return Ignored.COLLECTED
        return in_order(before, fact)

    def pin(self, fact: PinFact) -> Ignored | None:
        if self._early(fact):
            return Ignored.COLLECTED
        return in_order(self._known.pins.get(fact.id), fact)

    def host(self, fact: HostFact) -> Ignored | None:
        if fact.id not in self._known.base.host_places:
            return Ignored.UNKNOWN_HOST
        if self._early(fact):
            return Ignored.COLLECTED
        return in_order(self._known.hosts.get(fact.id), fact)

    def group(self, fact: GroupFact) -> Ignored | None:
        before = self._known.groups.get(fact.id)
        if before is not None and before.gone:
            return after_deletion(fact)
        if self._early(fact):
            return Ignored.COLLECTED
        return None if fact.gone else in_order(before, fact)

    def member(self, fact: MemberFact) -> Ignored | None:
        if self._early(fact):
            return Ignored.COLLECTED
        return Ignored.DUPLICATE if fact.id in self._known.members else None

    def _early(self, fact: Fact) -> bool:
        return fact.stamp.at < self._since

    def _newer_row(self, fact: ServerFact) -> bool:
        """Whether the collection showed a later version than the one that the teller had read.

        Then it showed at least the version that the teller made of it (see ``Stamp.version``).
        """
        row = self._known.version(fact.id)
        return row is not None and fact.stamp.version < row


def _changes(
    before: ComputeAmendments, after: ComputeAmendments, told: ComputeFacts
) -> dict[str, int]:
    """What some facts do, in counts: work in proportion to the facts, not to the model."""
    counts: Counter[str] = Counter()
    for identity in {fact.id for fact in told.servers} | {pin.id for pin in told.pins}:
        counts[_difference(before.usable(identity), after.usable(identity))] += 1
    for host in {service.id for service in told.hosts}:
        counts["hosts_changed" if before.host(host) != after.host(host) else ""] += 1
    return named(counts)


def _difference(before: ServerRow | None, after: ServerRow | None) -> str:
    if before is None or after is None:
        if before is after:
            return ""
        return "servers_added" if before is None else "servers_removed"
    if before.host != after.host:
        return "servers_moved"
    same = replace(before, updated_at=None) == replace(after, updated_at=None)
    return "" if same else "servers_changed"


def _unclear(
    before: ComputeAmendments, after: ComputeAmendments, told: ComputeFacts
) -> list[Cause]:
    """What only a collection can tell; each thing is asked about once."""
    found: list[Cause] = []
    for identity in sorted({fact.id for fact in told.servers}):
        was, row = before.server(identity), after.server(identity)
        if row is None or row == was:
            continue
        if not after.known_host(row):
            found.append(Cause(Reason.UNKNOWN_HOST, {"resource": identity, "host": row.host}))
        if was is None and not (before.shown(identity) or identity in after.pins):
            found.append(Cause(Reason.PIN_UNKNOWN, {"server": identity}))
    for service in told.hosts:
        at = after.base.host_places.get(service.id)
        if at is None:
            found.append(Cause(Reason.UNKNOWN_HOST, {"resource": "service", "host": service.id}))
        elif not service.forced_down and after.base.hosts.state[at] == "down":
            found.append(Cause(Reason.HOST_DOWN, {"host": service.id}))
    return found


def carried_compute(
    known: ComputeAmendments, base: ComputeModel, since: float
) -> Admission[ComputeFacts, ComputeAmendments]:
    """What was admitted so far and a new collection cannot have seen, to be laid over it.

    Args:
        known: the model until now.
        base: what the new collection showed.
        since: seconds since the epoch: what was told earlier, the new collection has seen.
    """
    fresh = ComputeAmendments(base, ComputeFacts())
    carried = admit_compute(fresh, known.facts, since)
    believed = tuple(  # a collection that shows what was deleted long before it is believed
        fact
        for fact in carried.facts.servers
        if not (fact.gone and fact.stamp.at < since and fresh.shown(fact.id))
    )
    facts = replace(carried.facts, servers=believed)
    return replace(carried, facts=facts, over=ComputeAmendments(base, facts))
