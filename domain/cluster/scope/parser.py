"""How scopes of every kind are read from JSON: names, wildcards, and complaints that say where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.cluster.table.columns import mapping, sequence
from domain.kernel.errors import InvalidValue

WILDCARD = "*"
KINDS = frozenset({"compute", "storage", "baremetal"})
_NOT_ALONE = f"must not combine the wildcard {WILDCARD!r} with other names"


@dataclass(frozen=True)
class Names:
    """Names of one kind of thing, or the wildcard for all of them.

    Attributes:
        all: whether everything of the kind is meant.
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
    """The rules of a kind: the first entry's that has any, and where they are.

    Args:
        kind: ``storage`` or ``baremetal``.
        scope: the JSON list; None is the empty list. Entries of other kinds, and the older form
            (a bare list of compute rules), are none of this kind's business.
    """
    entries = [] if scope is None else read_list("scope", scope)
    for place, entry in enumerate(entries):
        path = f"scope[{place}].{kind}"
        rules = read_list(path, read_map(f"scope[{place}]", entry).get(kind, []))
        if rules:
            return path, rules
    return "scope", []


def read_names(path: str, data: object, attribute: str) -> Names:
    """A list of objects that each hold a name (or, for uuids, an identity) under ``attribute``."""
    found: list[str] = []
    for place, item in enumerate(read_list(path, data)):
        where = f"{path}[{place}]"
        entry = read_map(where, item)
        no_other_keys(where, entry.keys(), frozenset({attribute}))
        if attribute in entry:
            found.append(read_string(f"{where}.{attribute}", entry[attribute]))
    return wild(found)


def wild(names: list[str]) -> Names:
    """Names, of which one may be the wildcard."""
    return Names(WILDCARD in names, frozenset(names) - {WILDCARD})


def lone_wildcards(path: str, rules: Sequence[object]) -> None:
    """Refuses the wildcard in company: a list that means everything and then names things.

    Only within one list: rules add up, so everything and something is everything.

    Args:
        path: where the rules are.
        rules: of one kind, in good form.
    """
    for place, rule in enumerate(rules):
        for key, data in read_map(f"{path}[{place}]", rule).items():
            where = f"{path}[{place}].{key}"
            items = read_list(where, data)
            if key == "exclude":
                lone_wildcards(where, items)
            elif key != "instance_metadata" and _in_company(items):
                raise InvalidValue(where, _NOT_ALONE)


def _in_company(items: Sequence[object]) -> bool:
    entries = [item for item in items if isinstance(item, Mapping)]
    names = [item[key] for item in entries for key in ("id", "name") if key in item]
    return WILDCARD in names and len(names) > 1


def no_other_keys(path: str, keys: Iterable[str], allowed: frozenset[str]) -> None:
    """Refuses the first key that is not allowed."""
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
