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
