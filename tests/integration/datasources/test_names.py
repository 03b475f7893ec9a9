from hypothesis import given
from hypothesis import strategies as st

from infrastructure.datasources.names import matched

NAMES = st.from_regex(r"[ab][12](\.[xy])?", fullmatch=True)


@given(st.lists(NAMES, unique=True), st.sets(NAMES))
def test_no_label_is_given_to_two_hosts_and_exact_names_always_win(
    hosts: list[str], labels: set[str]
) -> None:
    found, ambiguous = matched([(host, host) for host in hosts], labels)
    assert len(set(found.values())) == len(found)
    for index, host in enumerate(hosts):
        if host in labels:
            assert found[index] == host
        if index in found:
            assert found[index].partition(".")[0] == host.partition(".")[0]
            assert index not in ambiguous


def test_a_hypervisors_own_name_counts_too() -> None:
    found, _ = matched([("node-1", "kvm7.example")], {"kvm7.example"})
    assert found == {0: "kvm7.example"}


def test_a_label_in_other_capitals_is_the_hosts() -> None:
    """Exporters write the name of the machine, Nova what it was given: 0 of 8 were known."""
    hosts = [("compute-1", "compute-1"), ("Compute-2.Site.example", "x"), ("c3", "c3.example")]
    labels = {"COMPUTE-1", "compute-2.site.example", "C3.Example"}
    found, ambiguous = matched(hosts, labels)
    assert found == {0: "COMPUTE-1", 1: "compute-2.site.example", 2: "C3.Example"}
    assert not ambiguous
    assert matched([("a", "a")], {"A.example"})[0] == {0: "A.example"}


def test_names_that_differ_in_capitals_only_are_told_apart_or_match_nothing() -> None:
    found, _ = matched([("a", "a"), ("A", "A")], {"a", "A"})
    assert found == {0: "a", 1: "A"}
    found, ambiguous = matched([("a", "a"), ("A", "A")], {"A.example"})
    assert not found
    assert ambiguous == {0, 1}
    found, ambiguous = matched([("a1", "a1")], {"A1", "a1.example"})
    assert found == {0: "A1"}
