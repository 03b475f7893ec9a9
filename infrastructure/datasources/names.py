"""Matches label values with hosts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence


def matched(
    hosts: Sequence[tuple[str, str]], labels: Collection[str]
) -> tuple[Mapping[int, str], frozenset[int]]:
    """Host index → label value.

    A host matches a label with one of its exact names. Otherwise it matches by the part before the
    first dot, if the host or the label has no domain and no other one has that short name.

    Args:
        hosts: service host name and hypervisor host name of each host.
        labels: the label values.

    Returns:
        The matches, and the hosts whose short name is ambiguous.
    """
    exact = {
        index: name
        for index, names in enumerate(hosts)
        for name in reversed(names)
        if name in labels
    }
    taken = frozenset(exact.values())
    free = [label for label in labels if label not in taken]
    by_short = {_short(label): label for label in free}
    labels_per_short = Counter(map(_short, free))
    rest = {index: names[0] for index, names in enumerate(hosts) if index not in exact}
    hosts_per_short = Counter(_short(name) for name in rest.values())
    found: dict[int, str] = dict(exact)
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


def _short(name: str) -> str:
    return name.partition(".")[0]
