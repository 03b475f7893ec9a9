"""Operator rules as operators write them, in a scope or in a file.

``{"apart": [[server, …], …], "together": [[server, …], …],
"fences": [{"servers": […], "hosts": […]}, …], "bans": [{"servers": […], "hosts": […]}, …]}``

A server is written as its id or its name, a host as its id, the name of its compute service, or its
hypervisor hostname.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.rules.operator import Fence, OperatorRules
from domain.cluster.scope.parser import read_list, read_map, read_string, refuse_unknown_keys
from domain.cluster.scope.reasons import RULE_NAME_AMBIGUOUS, RULE_NAME_UNKNOWN
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause

_KINDS = frozenset({"apart", "together", "fences", "bans"})
_FENCE = frozenset({"servers", "hosts"})
_FEWEST = 2
"""Servers that a list of ``apart`` or ``together`` names at least."""


class AmbiguousName(Exception):
    """A rule names a resource by a name that several have: which one is meant is unknown."""

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


def parse_rules(path: str, data: object) -> OperatorRules:
    """Reads rules; servers and hosts are as written (see ``resolve_rules``).

    Args:
        path: of the rules, for errors; empty if they are a document of their own.
        data: the JSON object.

    Raises:
        InvalidValue: names the bad field, such as ``scope[0].compute[1].rules.fences[0].hosts``.
    """
    inside = f"{path}." if path else ""
    rules = read_map(path or "rules", data)
    refuse_unknown_keys(path or "rules", rules.keys(), _KINDS)
    found = OperatorRules(
        apart=_lists(f"{inside}apart", rules.get("apart", [])),
        together=_lists(f"{inside}together", rules.get("together", [])),
        fences=_fences(f"{inside}fences", rules.get("fences", [])),
        bans=_fences(f"{inside}bans", rules.get("bans", [])),
    )
    _refuse_contradiction(inside, found)
    return found


def _lists(path: str, data: object) -> tuple[tuple[str, ...], ...]:
    return tuple(
        _names(f"{path}[{place}]", item, fewest=_FEWEST)
        for place, item in enumerate(read_list(path, data))
    )


def _fences(path: str, data: object) -> tuple[Fence, ...]:
    found: list[Fence] = []
    for place, item in enumerate(read_list(path, data)):
        where = f"{path}[{place}]"
        fence = read_map(where, item)
        refuse_unknown_keys(where, fence.keys(), _FENCE)
        for key in sorted(_FENCE - fence.keys()):
            raise InvalidValue(f"{where}.{key}", "is missing")
        servers, hosts = (_names(f"{where}.{key}", fence[key]) for key in ("servers", "hosts"))
        found.append(Fence(servers, hosts))
    return tuple(found)


def _names(path: str, data: object, fewest: int = 1) -> tuple[str, ...]:
    names = [read_string(f"{path}[{n}]", name) for n, name in enumerate(read_list(path, data))]
    if len(set(names)) < fewest:
        what = "must not be empty" if fewest == 1 else f"must list at least {fewest} servers"
        raise InvalidValue(path, what)
    return tuple(dict.fromkeys(names))


def _refuse_contradiction(inside: str, rules: OperatorRules) -> None:
    for place, together in enumerate(rules.together):
        for number, apart in enumerate(rules.apart):
            both = sorted(set(together) & set(apart))
            if len(both) >= _FEWEST:
                pair = " and ".join(both[:_FEWEST])
                error = f"contradicts {inside}apart[{number}]: both list {pair}"
                raise InvalidValue(f"{inside}together[{place}]", error)


# -- resolving -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResolvedRules:
    """Rules with server ids and service host names.

    Attributes:
        rules: without the servers and hosts that do not exist; a fence without hosts stays: its
            servers may go nowhere.
        notes: names that match nothing.
    """

    rules: OperatorRules
    notes: tuple[Cause, ...]


def resolve_rules(rules: OperatorRules, model: ComputeModel) -> ResolvedRules:
    """Finds the servers and hosts that rules name in the model of the whole cloud.

    Raises:
        AmbiguousName: several servers, or hosts, have a name, and none has it as its id.
    """
    if rules == OperatorRules():
        return ResolvedRules(rules, ())
    tables = (model.servers, model.unplaced)
    ids = [identity for table in tables for identity in table.id]
    names = [name for table in tables for name in table.name]
    servers = _Index("server", ids, zip(names, ids, strict=True))
    hosts = model.hosts
    known = [*hosts.id, *hosts.hypervisor_hostname]
    places = _Index("host", hosts.name, zip(known, hosts.name * 2, strict=True))
    found = OperatorRules(
        apart=tuple(servers.find(listed) for listed in rules.apart),
        together=tuple(servers.find(listed) for listed in rules.together),
        fences=tuple(Fence(servers.find(f.servers), places.find(f.hosts)) for f in rules.fences),
        bans=tuple(Fence(servers.find(f.servers), places.find(f.hosts)) for f in rules.bans),
    )
    return ResolvedRules(found, (*servers.notes(), *places.notes()))


class _Index:
    """Finds resources of a kind by their key or by another name of theirs.

    Args:
        kind: for notes.
        keys: the keys.
        names: (name, key) pairs.
    """

    def __init__(self, kind: str, keys: Iterable[str], names: Iterable[tuple[str, str]]) -> None:
        self._kind = kind
        self._keys = frozenset(keys)
        self._named: dict[str, set[str]] = {}
        for name, key in names:
            self._named.setdefault(name, set()).add(key)
        self._unknown: set[str] = set()

    def find(self, written: Iterable[str]) -> tuple[str, ...]:
        """Keys of the resources that exist."""
        found = [self._key(name) for name in written]
        return tuple(dict.fromkeys(key for key in found if key is not None))

    def notes(self) -> tuple[Cause, ...]:
        """The names that were not found."""
        return tuple(
            Cause(RULE_NAME_UNKNOWN, {"kind": self._kind, "name": name})
            for name in sorted(self._unknown)
        )

    def _key(self, name: str) -> str | None:
        if name in self._keys:
            return name
        keys = self._named.get(name, set())
        if len(keys) > 1:
            facts = {"kind": self._kind, "name": name, "count": len(keys)}
            raise AmbiguousName(Cause(RULE_NAME_AMBIGUOUS, facts))
        if not keys:
            self._unknown.add(name)
        return next(iter(keys), None)
