"""Matches label values with hosts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence


def matched(
    hosts: Sequence[tuple[str, str]], labels: Collection[str]
) -> tuple[Mapping[int, str], frozenset[int]]:
    """Host index → label value.

    A host matches a label with one of its exact names; else with one in other capitals; else by the
    part before the first dot in any capitals, if the host or the label has no domain. Two hosts or
    labels that only differ in what is ignored match nothing.

    Args:
        hosts: service host name and hypervisor host name of each host.
        labels: the label values.

    Returns:
        The matches, and the hosts whose short name is ambiguous.
    """
    found = {
        index: name
        for index, names in enumerate(hosts)
        for name in reversed(names)
        if name in labels
    }
    found |= _in_other_capitals(_without(hosts, found), set(labels) - set(found.values()))
    free = set(labels) - set(found.values())
    by_short = {_short(label): label for label in free}
    labels_per_short = Counter(map(_short, free))
    rest = {index: names[0] for index, names in _without(hosts, found).items()}
    hosts_per_short = Counter(map(_short, rest.values()))
    ambiguous: set[int] = set()
    for index, name in rest.items():
        short = _short(name)
        label = by_short.get(short)
        if label is None or ("." in name and "." in label):
            continue
        if labels_per_short[short] == 1 and hosts_per_short[short] == 1:
            found[index] = label
        else:
            ambiguous.add(index)
    return found, frozenset(ambiguous)


def _without(
    hosts: Sequence[tuple[str, str]], found: Collection[int]
) -> Mapping[int, tuple[str, str]]:
    return {index: names for index, names in enumerate(hosts) if index not in found}


def _in_other_capitals(
    hosts: Mapping[int, tuple[str, str]], labels: Collection[str]
) -> dict[int, str]:
    """Host index → the only label that is a name of it alone, in any capitals."""
    per_label = Counter(label.casefold() for label in labels)
    folded = {index: {name.casefold() for name in names} for index, names in hosts.items()}
    per_host = Counter(name for names in folded.values() for name in names)
    owner = {name: index for index, names in folded.items() for name in names}
    return {
        owner[name]: label
        for label in sorted(labels)
        if per_label[name := label.casefold()] == per_host[name] == 1
    }


def _short(name: str) -> str:
    return name.partition(".")[0].casefold()
