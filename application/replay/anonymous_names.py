"""The names and ids in a history, and a pseudonym for each, in the order of the originals.

Strategies and models sort by ids and names; so pseudonyms sort as the originals did, within a kind.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from domain.audits.events import AuditState
from domain.kernel.ids import ACTUATION_ID, CATALOGUE_ID, as_uuid, cluster_model_id, plan_id
from domain.kernel.metadata import ActorKind
from domain.plans.action import ActionState
from domain.plans.events import PlanState

_UUID = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"
)
_WORD = re.compile(r"[^\s,;:'\"()\[\]{}=<>|/#]+")
_KINDS: Mapping[str, str] = {
    "name": "",  # of the table
    "hypervisor_hostname": "host",
    "zone": "zone",
    "pinned_zone": "zone",
    "project_id": "project",
    "flavor": "flavor",
    "metadata": "text",
    "disabled_reason": "text",
    "host": "host",
    "backend_name": "backend",
    "pool_name": "pool",
    "volume_type": "volume-type",
    "cluster": "cluster",
    "hosts": "host",
    "instance_id": "server",
}
"""Column of a table of a model → kind of the names in it."""
_TABLES: Mapping[str, str] = {
    "hosts": "host",
    "servers": "server",
    "unplaced": "server",
    "groups": "group",
    "aggregates": "aggregate",
    "nodes": "node",
    "pools": "pool",
    "volumes": "volume",
    "types": "volume-type",
}
"""Table of a model → kind of the names of its rows."""
_OF_EVENTS: Mapping[str, str] = {
    "owner": "worker",
    "host": "worker-host",
    "hostname": "worker-host",
    "cloud": "cloud",
    "source_node": "host",
    "destination_node": "host",
    "resource_name": "server",
    "display_name": "text",
    "description": "text",
    "request_id": "request",
}
"""Field of an event → kind of the name in it."""
_NAMED = ("audit.", "audit-template.", "name.")
"""Beginnings of the topics of events whose field ``name`` is a user's."""
_WORDS = frozenset({*AuditState, *PlanState, *ActionState, "active", "up", "down", "enabled"})
_CONSTANT = frozenset({CATALOGUE_ID, ACTUATION_ID})

Rewrite = Callable[[str], str]


class Names:
    """Collects names and ids; then ``rewriter`` replaces them."""

    def __init__(self) -> None:
        self._ids: set[UUID] = set()
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._keys: set[str] = set()
        self._derived: list[tuple[UUID, Callable[[Rewrite], UUID]]] = []

    def add_event(self, aggregate: UUID, topic: str, state: dict[str, Any]) -> None:
        """Collects those of an event."""
        self._ids.add(aggregate)
        self.add_content(state)
        actor = state.get("metadata", {}).get("actor", {})
        if actor.get("kind") == ActorKind.USER:
            self._add("user-id", actor.get("id"))
            self._add("user", actor.get("name"))
            self._add("project", actor.get("project"))
        else:
            self._add("worker", actor.get("id"))
        self._add("request", state.get("metadata", {}).get("request_id"))
        if topic.startswith(_NAMED):
            for holder in (state, state.get("changes") or {}):
                self._add("name", holder.get("name"))
        if topic == "plan.proposed":
            audit, run = state["audit_id"], state["run_id"]
            self._derive(aggregate, lambda new: plan_id(UUID(new(audit)), UUID(new(run))))
        if topic == "cluster-model.opened":
            cloud, kind = state["cloud"], state["kind"]
            self._derive(aggregate, lambda new: cluster_model_id(new(cloud), kind))

    def add_content(self, value: object, key: str = "") -> None:
        """Collects those of any JSON value."""
        if isinstance(value, dict):
            self._keys.update(value)
            for inner, found in value.items():
                if inner in _TABLES and isinstance(found, dict | list):
                    self._add_table(_TABLES[inner], found)
                self._add(_OF_EVENTS.get(inner, ""), found)
                self._ids.update(_ids_in(inner))
                self.add_content(found, inner)
        elif isinstance(value, list):
            for found in value:
                self.add_content(found, key)
        elif isinstance(value, str):
            self._ids.update(_ids_in(value))

    def _add_table(self, kind: str, table: dict[str, Any] | list[Any]) -> None:
        for row in table if isinstance(table, list) else [table]:
            for column, values in row.items() if isinstance(row, dict) else ():
                if column in _KINDS:
                    for text in _texts(values):
                        self._add(_KINDS[column] or kind, text)

    def _add(self, kind: str, value: object) -> None:
        if kind and isinstance(value, str) and value:
            self._names[kind].add(value)

    def _derive(self, ident: UUID, new: Callable[[Rewrite], UUID]) -> None:
        self._derived.append((ident, new))

    def rewriter(self) -> Rewrite:
        """Returns what replaces the collected names and ids in a text."""
        ids = sorted(self._ids - _CONSTANT)
        step = 2**128 // (len(ids) + 1)
        new_ids = {one: UUID(int=(place + 1) * step) for place, one in enumerate(ids)}
        kept = self._keys | _WORDS
        new: dict[str, str] = {}
        for kind, names in sorted(self._names.items(), key=lambda one: one[0].startswith("worker")):
            wanted = sorted(one for one in names - kept - new.keys() if as_uuid(one) is None)
            width = len(str(len(wanted)))
            new |= {one: f"{kind}-{place:0{width}}" for place, one in enumerate(wanted, start=1)}
        rewrite = _rewrite(new, new_ids)
        for ident, derive in self._derived:
            new_ids[ident] = derive(rewrite)
        return rewrite


def _rewrite(names: Mapping[str, str], ids: Mapping[UUID, UUID]) -> Rewrite:
    phrases = sorted((one for one in names if not _WORD.fullmatch(one)), key=len, reverse=True)

    def identity(found: re.Match[str]) -> str:
        old = UUID(found[0])
        new = ids.get(old, old)
        return str(new) if "-" in found[0] else new.hex

    def rewrite(text: str) -> str:
        if text in names:
            return names[text]
        for phrase in phrases:
            if phrase in text:
                text = text.replace(phrase, names[phrase])
        text = _WORD.sub(lambda found: names.get(found[0], _trimmed(found[0], names)), text)
        return _UUID.sub(identity, text)

    return rewrite


def _trimmed(word: str, names: Mapping[str, str]) -> str:
    """A word of a sentence, perhaps with a full stop after the name."""
    bare = word.rstrip(".!?")
    return names.get(bare, bare) + word[len(bare) :]


def _ids_in(text: str) -> Iterator[UUID]:
    return map(UUID, _UUID.findall(text))


def _texts(values: object) -> Iterable[str]:
    """The texts of a column: of a list, of a table of values, or of one value."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict):
        for inner in values["table"] if "table" in values else values.values():
            yield from _texts(inner)
    elif isinstance(values, list):
        for inner in values:
            yield from _texts(inner)
