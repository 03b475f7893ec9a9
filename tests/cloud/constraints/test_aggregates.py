"""AggregateWishes, ReservedForProjects and ReservedForTraits."""

import os
from collections.abc import Mapping
from uuid import uuid4

import pytest

from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court, Verdict

pytestmark = pytest.mark.cloud
ISOLATES = "VIGIL_TEST_CLOUD_ISOLATES"
"""Set for a cloud whose scheduler has AggregateMultiTenancyIsolation and isolated aggregates."""

# operator → what the flavor wishes, a value that does, another that does, one that does not
WISHES: Mapping[str, tuple[str, str, str, str]] = {
    "plain": ("ssd", "ssd", "hdd,ssd", "ssds"),
    "at-least": ("= 5", "5", "6", "4"),
    "equal": ("== 5", "5", "5.0", "6"),
    "unequal": ("!= 5", "4", "6", "5"),
    "greater-equal": (">= 5", "5", "10", "4"),
    "less-equal": ("<= 5", "5", "-1", "10"),
    "text-equal": ("s== b", "b", "a, b", "bb"),
    "text-unequal": ("s!= b", "a", "c", "b"),
    "text-less": ("s< b", "a", "10", "b"),
    "text-less-equal": ("s<= b", "b", "a", "c"),
    "text-greater": ("s> b", "c", "ba", "b"),
    "text-greater-equal": ("s>= b", "b", "c", "a"),
    "in": ("<in> gpu", "gpu", "a100-gpu-x", "cpu"),
    "all-in": ("<all-in> aes mmx", "mmx aes", "sse-mmx-aes", "aes"),
    "or": ("<or> red <or> blue", "red", "blue", "green"),
}


@pytest.mark.timeout(300)
def test_a_flavors_wishes_are_compared_by_their_operator(ground: Situations, court: Court) -> None:
    """One server wishes for all of it: a host is refused for each value that does not do."""
    prefix = uuid4().hex[:6]
    scope = f"aggregate_instance_extra_specs:{prefix}"
    flavor = ground.flavor({f"{scope}-{name}": wish for name, (wish, *_) in WISHES.items()})
    first = {f"{prefix}-{name}": values[1] for name, values in WISHES.items()}
    second = {f"{prefix}-{name}": values[2] for name, values in WISHES.items()}
    home, target = ground.names()[:2]
    with ground.aggregate(first, home):
        server = ground.server(host=home, flavor=flavor)
        nowhere = court.judge(server, target)
        with ground.aggregate(second, target) as describe:
            for name, (*_, bad) in WISHES.items():
                describe({**second, f"{prefix}-{name}": bad})
                assert refused(court.judge(server, target), "AggregateExtraSpecs"), name
            describe(second)
            good = court.judge(server, target)
            back = court.judge(server, home)
        ground.delete(server)
    assert refused(nowhere, "AggregateExtraSpecs")
    assert accepted(good)
    assert accepted(back)


def test_a_wish_without_scope_counts_like_one_with_it(ground: Situations, court: Court) -> None:
    key = f"tier-{uuid4().hex[:6]}"
    home, gold, silver, bare = spread(ground)
    with ground.aggregate({key: "gold"}, home, gold), ground.aggregate({key: "silver"}, silver):
        server = ground.server(host=home, flavor=ground.flavor({key: "gold"}))
        found = {host: court.judge(server, host) for host in {silver, bare} - {home, gold}}
        good = court.judge(server, gold)
        ground.delete(server)
    assert all(refused(verdict, "AggregateExtraSpecs") for verdict in found.values())
    assert accepted(good)


def test_a_wish_without_scope_that_no_aggregate_knows_any_more_is_ignored_by_us_only(
    ground: Situations, court: Court
) -> None:
    """Looser than AggregateInstanceExtraSpecsFilter: without it such a key means nothing to Nova,
    and no API tells which filters a cloud has."""
    key = f"tier-{uuid4().hex[:6]}"
    home, target = ground.names()[:2]
    with ground.aggregate({key: "gold"}, home):
        server = ground.server(host=home, flavor=ground.flavor({key: "gold"}))
    found = court.judge(server, target)
    ground.delete(server)
    assert found.ours == set()
    assert found.theirs


def test_a_host_reserved_for_another_project_is_refused(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than a Nova that does not enforce the key: whoever set it means it."""
    host = elsewhere(ground, plain)
    with ground.aggregate({"filter_tenant_id_1": f"{uuid4().hex},{uuid4().hex}"}, host):
        found = court.judge(plain, host)
    assert found.ours == {"ReservedForProjects"}
    assert bool(found.theirs) == (ISOLATES in os.environ)


def test_a_host_reserved_for_a_servers_project_too_takes_it(
    ground: Situations, court: Court, plain: str
) -> None:
    host = elsewhere(ground, plain)
    ours = f"{uuid4().hex}, {ground.project()}"
    with (
        ground.aggregate({"filter_tenant_id": uuid4().hex}, host),
        ground.aggregate({"filter_tenant_id2": ours}, host),
    ):
        found = court.judge(plain, host)
    assert accepted(found)


def test_a_host_reserved_for_a_trait_takes_only_servers_that_require_it(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than a Nova that does not isolate aggregates: whoever set the key means it."""
    home, host = ground.names()[:2]
    with ground.trait(home, host) as trait:
        server = ground.server(host=home, flavor=ground.flavor({f"trait:{trait}": "required"}))
        with ground.aggregate({f"trait:{trait}": "required"}, host):
            good = court.judge(server, host)
            if ground.settled(plain) == host:
                assert accepted(court.judge(plain, home))
            found = court.judge(plain, host)
        ground.delete(server)
    assert accepted(good)
    assert found.ours == {"ReservedForTraits"}
    assert bool(found.theirs) == (ISOLATES in os.environ)


def accepted(verdict: Verdict) -> bool:
    return not verdict.ours and verdict.theirs is None


def refused(verdict: Verdict, rule: str) -> bool:
    return verdict.ours == {rule} and verdict.theirs is not None


def elsewhere(ground: Situations, server: str) -> str:
    here = ground.settled(server)
    return next(host for host in ground.names() if host != here)


def spread(ground: Situations) -> tuple[str, str, str, str]:
    """Home, another, a third, and a fourth host if there is one (the third again if not)."""
    home, second, third, *rest = ground.names()
    return home, second, third, (rest or [third])[0]
