"""Reads the JSON of scopes of all kinds: names and wildcards. Errors name the bad field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.cluster.table.columns import mapping, sequence
from domain.kernel.errors import InvalidValue

WILDCARD = "*"
KINDS = frozenset({"compute", "storage", "baremetal"})
OPERATOR_RULES = "rules"
"""Key of the operator's placement rules among the compute rules."""
_NOT_ALONE = f"must not combine the wildcard {WILDCARD!r} with other names"


@dataclass(frozen=True)
class Names:
    """Names of one kind of resource, or the wildcard for all of them.

    Attributes:
        all: whether the wildcard is among them.
        names: the names.
    """

    all: bool = False
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.all or bool(self.names)

    def __or__(self, other: "Names") -> "Names":
        return Names(self.all or other.all, self.names | other.names)

    def __contains__(self, name: str) -> bool:
        return self.all or name in self.names


NO_NAMES = Names()


def rules_of(kind: str, scope: object) -> tuple[str, Sequence[object]]:
    """Returns the path and the rules of the first entry that has rules of a kind.

    Args:
        kind: ``storage`` or ``baremetal``.
        scope: the JSON list; None is the empty list. Entries of other kinds, and the older form
            (a bare list of compute rules), are ignored.
    """
    entries = [] if scope is None else read_list("scope", scope)
    for place, entry in enumerate(entries):
        path = f"scope[{place}].{kind}"
        rules = read_list(path, read_map(f"scope[{place}]", entry).get(kind, []))
        if rules:
            return path, rules
    return "scope", []


def read_names(path: str, data: object, attribute: str) -> Names:
    """Reads a list of objects that each have a name or a uuid under ``attribute``."""
    found: list[str] = []
    for place, item in enumerate(read_list(path, data)):
        where = f"{path}[{place}]"
        entry = read_map(where, item)
        refuse_unknown_keys(where, entry.keys(), frozenset({attribute}))
        if attribute in entry:
            found.append(read_string(f"{where}.{attribute}", entry[attribute]))
    return names_of(found)


def names_of(names: list[str]) -> Names:
    """Makes Names of strings, one of which may be the wildcard."""
    return Names(WILDCARD in names, frozenset(names) - {WILDCARD})


def refuse_mixed_wildcards(path: str, rules: Sequence[object]) -> None:
    """Refuses a list that has the wildcard and other names.

    Within one list only: in different rules the wildcard includes the other names.

    Args:
        path: path of the rules, for errors.
        rules: well-formed rules of one kind.
    """
    for place, rule in enumerate(rules):
        for key, data in read_map(f"{path}[{place}]", rule).items():
            where = f"{path}[{place}].{key}"
            if key == OPERATOR_RULES:  # have no wildcards
                continue
            items = read_list(where, data)
            if key == "exclude":
                refuse_mixed_wildcards(where, items)
            elif key != "instance_metadata" and _is_mixed(items):
                raise InvalidValue(where, _NOT_ALONE)


def _is_mixed(items: Sequence[object]) -> bool:
    entries = [item for item in items if isinstance(item, Mapping)]
    names = [item[key] for item in entries for key in ("id", "name") if key in item]
    return WILDCARD in names and len(names) > 1


def refuse_unknown_keys(path: str, keys: Iterable[str], allowed: frozenset[str]) -> None:
    """Raises InvalidValue for the first key that is not allowed."""
    for key in sorted(set(keys) - allowed):
        raise InvalidValue(f"{path}.{key}", f"must be one of {', '.join(sorted(allowed))}")


def read_string(path: str, value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise InvalidValue(path, f"must be a text, not {value!r}")
    return value


def read_list(path: str, value: object) -> Sequence[object]:
    """A list."""
    try:
        return sequence(value)
    except TypeError as error:
        raise InvalidValue(path, "must be a list") from error


def read_map(path: str, value: object) -> Mapping[str, object]:
    """An object."""
    try:
        return mapping(value)
    except TypeError as error:
        raise InvalidValue(path, "must be an object") from error
