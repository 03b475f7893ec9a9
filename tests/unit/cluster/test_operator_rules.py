from dataclasses import replace
from typing import Any

import pytest

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.rules.operator import Fence, OperatorRules
from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.operator_rules import AmbiguousName, parse_rules, resolve_rules
from domain.cluster.scope.reasons import RULE_NAME_AMBIGUOUS
from domain.kernel.errors import InvalidValue
from tests.unit.cluster.build import host, model, server


def test_rules_are_read_as_written() -> None:
    rules = parse_rules(
        "rules",
        {
            "apart": [["a", "b"], ["c", "d", "c"]],
            "together": [["a", "c"]],
            "fences": [{"servers": ["a"], "hosts": ["h1", "h2"]}],
            "bans": [{"servers": ["b"], "hosts": ["h1"]}],
        },
    )
    assert rules == OperatorRules(
        apart=(("a", "b"), ("c", "d")),
        together=(("a", "c"),),
        fences=(Fence(("a",), ("h1", "h2")),),
        bans=(Fence(("b",), ("h1",)),),
    )
    assert parse_rules("", {}) == OperatorRules()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "^rules: must be an object"),
        ([], "^rules: must be an object"),
        ({"ban": []}, r"^rules\.ban: must be one of apart, bans, fences, together"),
        ({"apart": {}}, "^apart: must be a list"),
        ({"apart": ["a", "b"]}, r"^apart\[0\]: must be a list"),
        ({"apart": [["a", "b"], ["c"]]}, r"^apart\[1\]: must list at least 2 servers"),
        ({"together": [["a", "a"]]}, r"^together\[0\]: must list at least 2 servers"),
        ({"together": [["a", 7]]}, r"^together\[0\]\[1\]: must be a text, not 7"),
        ({"fences": [[]]}, r"^fences\[0\]: must be an object"),
        ({"fences": [{"servers": ["a"]}]}, r"^fences\[0\]\.hosts: is missing"),
        ({"fences": [{"servers": ["a"], "hosts": []}]}, r"^fences\[0\]\.hosts: must not be empty"),
        ({"bans": [{"servers": "a", "hosts": ["h"]}]}, r"^bans\[0\]\.servers: must be a list"),
        ({"bans": [{"servers": ["a"], "host": ["h"]}]}, r"^bans\[0\]\.host: must be one of"),
        (
            {"apart": [["x", "y"], ["a", "b"]], "together": [["b", "c", "a"]]},
            r"^together\[0\]: contradicts apart\[1\]: both list a and b",
        ),
    ],
)
def test_an_invalid_rule_is_named(data: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        parse_rules("", data)


def test_rules_of_a_scope_are_named_by_their_place_in_it() -> None:
    scope = [{"compute": [{"exclude": []}, {"rules": {"bans": [{"servers": ["a"]}]}}]}]
    where = r"scope\[0\]\.compute\[1\]\.rules\.bans\[0\]\.hosts"
    with pytest.raises(InvalidValue, match=where):
        parse_scope(scope)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_scope_may_have_rules_in_several_places(wrapped: bool) -> None:
    rules: list[dict[str, Any]] = [
        {"availability_zones": [{"name": "*"}], "rules": {"apart": [["a", "b"]]}},
        {"rules": {"apart": [["c", "d"]], "together": [["a", "c"]]}},
    ]
    scope = parse_scope([{"compute": rules}] if wrapped else rules)
    assert scope.rules == OperatorRules(apart=(("a", "b"), ("c", "d")), together=(("a", "c"),))
    assert scope.includes


def test_a_scope_with_nothing_but_rules_selects_everything() -> None:
    built = model([host(0), host(1)], [server(0, 0)])
    scope = parse_scope([{"compute": [{"rules": {"apart": [["vm0", "vm1"]]}}]}])
    assert scope.select(built).hosts.all()
    assert not scope.includes


# -- names ---------------------------------------------------------------------------------------


def test_servers_are_found_by_id_or_name_and_hosts_by_any_of_theirs() -> None:
    hosts = [host(0, hypervisor_hostname="kvm0.example"), host(1), host(2)]
    built = model(hosts, [server(0, 0), server(1, 0), server(2, None)])
    names = ("kvm0.example", "h1", "c2", "c0")
    rules = OperatorRules(
        apart=(("vm0", "s1", "s0"),), fences=(Fence(("vm2",), names),), bans=(Fence(("s1",), ()),)
    )
    resolved = resolve_rules(rules, built)
    assert resolved.rules == OperatorRules(
        apart=(("s0", "s1"),),
        fences=(Fence(("s2",), ("c0", "c1", "c2")),),
        bans=(Fence(("s1",), ()),),
    )
    assert resolved.notes == ()


def test_names_that_match_nothing_are_reported_and_the_others_count() -> None:
    built = model([host(0)], [server(0, 0), server(1, 0)])
    rules = OperatorRules(
        apart=(("vm0", "gone", "vm1"),), bans=(Fence(("vm0", "lost"), ("c0", "c9")),)
    )
    resolved = resolve_rules(rules, built)
    assert resolved.rules == OperatorRules(apart=(("s0", "s1"),), bans=(Fence(("s0",), ("c0",)),))
    assert [str(note) for note in resolved.notes] == [
        "the operator rules name server gone, which does not exist",
        "the operator rules name server lost, which does not exist",
        "the operator rules name host c9, which does not exist",
    ]


def test_a_fence_none_of_whose_hosts_exists_lets_its_servers_go_nowhere() -> None:
    built = model([host(0), host(1)], [server(0, 0)])
    resolved = resolve_rules(OperatorRules(fences=(Fence(("vm0",), ("c9",)),)), built)
    assert not Constraints(built, resolved.rules).legal_hosts(Branch(built), 0).any()


def test_a_name_that_several_servers_have_is_refused_and_an_id_is_not() -> None:
    """A ban for the wrong one of two servers, or for neither, would be no ban."""
    names = {0: "web", 1: "web", 2: "s0"}
    servers = [replace(server(n, None if n else 0), name=name) for n, name in names.items()]
    built = model([host(0)], servers)
    with pytest.raises(AmbiguousName) as refused:
        resolve_rules(OperatorRules(bans=(Fence(("web",), ("c0",)),)), built)
    assert refused.value.because.reason == RULE_NAME_AMBIGUOUS
    assert refused.value.because.facts == {"kind": "server", "name": "web", "count": 2}
    resolved = resolve_rules(OperatorRules(bans=(Fence(("s0",), ("c0",)),)), built)
    assert resolved.rules.bans == (Fence(("s0",), ("c0",)),)


# -- servers outside the scope -------------------------------------------------------------------


def test_servers_outside_the_scope_count_in_together_and_not_in_apart() -> None:
    built = model(
        [host(n, zone="in" if n < 3 else "out") for n in range(4)],
        [server(0, 0), server(1, 3), server(2, 1)],
    )
    scope = parse_scope([{"compute": [{"availability_zones": [{"name": "in"}]}]}])
    for rules, hosts in (
        (OperatorRules(together=(("s0", "s1"),)), []),
        (OperatorRules(together=(("s0", "s2"),)), ["c1"]),
        (OperatorRules(together=(("s0", "s1", "s2"),)), ["c1"]),
        (OperatorRules(apart=(("s0", "s1"),)), ["c1", "c2"]),
        (OperatorRules(apart=(("s0", "s2"),)), ["c2"]),
    ):
        inside, _ = scope.apply(built, rules)
        legal = Constraints(inside, rules).legal_hosts(Branch(inside), 0)
        assert [inside.hosts.name[at] for at in legal.nonzero()[0]] == hosts


def test_servers_with_the_same_fences_share_what_is_computed_of_them() -> None:
    """A fence around 50,000 servers once took a mask of all hosts for each of them."""
    built = model([host(n) for n in range(4)], [server(n, 0) for n in range(30)])
    everyone = tuple(built.servers.id)
    rules = Constraints(
        built, OperatorRules(fences=(Fence(everyone, ("c1", "c2")), Fence(("s3",), ("c2",))))
    )
    masks = {id(rules.suitable_hosts(at)) for at in range(30)}
    assert len(masks) == 2
    assert rules.suitable_hosts(built.server_places["s3"]).tolist() == [False, False, True, False]
