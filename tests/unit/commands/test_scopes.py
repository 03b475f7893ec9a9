from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.commands.scopes import checked_scope
from domain.cluster.scope.baremetal import parse_baremetal_scope
from domain.cluster.scope.compute import ComputeScope, parse_scope
from domain.cluster.scope.storage import parse_storage_scope
from domain.kernel.errors import InvalidValue

FULL: list[Any] = [
    {
        "compute": [
            {"host_aggregates": [{"id": 1}, {"name": "ssd"}, {}]},
            {"availability_zones": [{"name": "az1"}]},
            {
                "exclude": [
                    {"instances": [{"uuid": "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"}]},
                    {"compute_nodes": [{"name": "cmp-9"}]},
                    {"instance_metadata": [{"optimize": "false"}]},
                    {"projects": [{"uuid": "8a41c0f2-6d7b-4e59-93a8-5f20b7c1de46"}]},
                ]
            },
        ]
    },
    {
        "storage": [
            {"availability_zones": [{"name": "nova"}]},
            {"volume_types": [{"name": "lvm1"}]},
            {
                "exclude": [
                    {"storage_pools": [{"name": "host0@lvm#pool0"}]},
                    {"volumes": [{"uuid": "71d5ce03-48fa-4b26-b0d9-36e8a2f91c57"}]},
                ]
            },
        ]
    },
]


def test_a_full_scope_is_kept_as_it_is() -> None:
    assert checked_scope(FULL) == FULL


@pytest.mark.parametrize("nothing", [None, []])
def test_no_scope_is_an_empty_one(nothing: object) -> None:
    assert checked_scope(nothing) == []


def test_the_short_form_is_wrapped() -> None:
    short = [{"host_aggregates": [{"id": 1}]}, {"availability_zones": [{"name": "a"}]}]
    assert checked_scope(short) == [{"compute": short}]


@pytest.mark.parametrize(
    "scope",
    [
        [{"storage": [{"volume_types": [{"name": "x"}]}]}],
        [{"storage": []}, {"compute": []}],
        [{"compute": []}],
        [{"compute": [{}]}],
    ],
)
def test_what_is_empty_or_about_storage_only_is_accepted(scope: list[Any]) -> None:
    assert checked_scope(scope) == scope


@pytest.mark.parametrize(
    "scope",
    [
        "text",
        {"compute": []},
        5,
        [{}],
        [1],
        [{"compute": []}, {}],
        [{"baremetal": []}],
        [{"compute": {}}],
        [{"compute": [{"unknown": []}]}],
        [{"compute": [{"availability_zones": [{"id": 1}]}]}],
        [{"compute": [{"availability_zones": [{"name": 1}]}]}],
        [{"compute": [{"host_aggregates": [{"id": True}]}]}],
        [{"compute": [{"host_aggregates": [{"id": 1.0}]}]}],
        [{"compute": [{"host_aggregates": [{"id": "a"}]}]}],
        [{"compute": [{"host_aggregates": [{"id": 1, "name": "x"}]}]}],
        [{"compute": [{"exclude": [{"unknown": []}]}]}],
        [{"storage": [{"exclude": [{"instances": []}]}]}],
        [{"availability_zones": [{"nam": "typo"}]}],
        [{"compute": [{"host_aggregates": ["ssd"]}]}],
        [{"compute": [{"host_aggregates": [{"id": "*"}, "ssd"]}]}],
    ],
)
def test_what_is_no_scope_is_refused(scope: object) -> None:
    with pytest.raises(InvalidValue) as refusal:
        checked_scope(scope)
    assert refusal.value.field.startswith("scope")


def test_aggregates_cannot_be_included_and_excluded() -> None:
    scope = [
        {
            "compute": [
                {"host_aggregates": [{"id": 1}]},
                {"exclude": [{"host_aggregates": [{"id": 2}]}]},
            ]
        }
    ]
    with pytest.raises(InvalidValue, match="include and exclude"):
        checked_scope(scope)


def test_a_contradiction_is_told_with_its_place() -> None:
    """It would fail every run of every audit of the template."""
    rules = [{"host_aggregates": [{"id": 1}]}, {"exclude": [{"host_aggregates": [{"id": 2}]}]}]
    with pytest.raises(InvalidValue) as refusal:
        checked_scope([{"storage": []}, {"compute": rules}])
    assert refusal.value.field == "scope[1].compute"


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("compute", {"host_aggregates": [{"id": "*"}, {"id": 1}]}),
        ("compute", {"host_aggregates": [{"id": 1}, {"name": "*"}]}),
        ("compute", {"availability_zones": [{"name": "*"}, {"name": "az1"}]}),
        ("compute", {"exclude": [{"host_aggregates": [{"id": "*"}, {"name": "ssd"}]}]}),
        ("storage", {"volume_types": [{"name": "*"}, {"name": "fast"}]}),
        ("storage", {"availability_zones": [{"name": "a"}, {"name": "*"}]}),
    ],
)
def test_a_wildcard_in_company_is_left_to_runs(kind: str, rule: dict[str, Any]) -> None:
    """Such templates were refused, so a tool that sets up a cloud's templates stopped half way.

    The original's API accepts them, and PATCH stores them here too; a run refuses them
    (docs/api.md, "Scope").
    """
    scope = [{kind: [rule]}]
    assert checked_scope(scope) == scope
    read = parse_scope if kind == "compute" else parse_storage_scope
    with pytest.raises(InvalidValue, match=r"'\*' with other names") as refusal:
        read(scope)
    key = next(iter(rule))
    place = f"scope[0].{kind}[0].{key}"
    assert refusal.value.field == (f"{place}[0].host_aggregates" if key == "exclude" else place)


def test_a_wildcard_and_names_in_different_rules_are_no_company() -> None:
    rules = [
        {"host_aggregates": [{"id": "*"}]},
        {"host_aggregates": [{"id": 1}]},
        {"availability_zones": [{"name": "*"}]},
        {"exclude": [{"instance_metadata": [{"name": "*"}, {"name": "x"}]}]},
    ]
    checked = checked_scope([{"compute": rules}])
    assert checked == [{"compute": rules}]
    assert isinstance(parse_scope(checked), ComputeScope)


_WORDS = st.sampled_from(["*", "a", "b", 1, True, None])
_KEYS = st.sampled_from(
    [
        *("compute", "storage", "baremetal", "exclude", "name", "uuid", "id", "host_aggregates"),
        *("availability_zones", "volume_types", "instances", "compute_nodes", "storage_pools"),
        *("volumes", "projects", "instance_metadata", "ironic_nodes", "x"),
    ]
)
_ANYTHING = st.recursive(
    _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=2),
    max_leaves=12,
)


def _rules(*includes: tuple[str, str], **excludes: str) -> st.SearchStrategy[Any]:
    """Rules that are mostly right: lists of names under the keys that may hold them."""

    def names(attribute: str) -> st.SearchStrategy[Any]:
        entry = st.dictionaries(st.just(attribute), _WORDS, max_size=1)
        return st.lists(entry, max_size=2)

    rules = [st.fixed_dictionaries({key: names(attribute)}) for key, attribute in includes]
    parts = [st.fixed_dictionaries({key: names(of)}) for key, of in excludes.items()]
    excluded = st.fixed_dictionaries({"exclude": st.lists(st.one_of(parts), max_size=2)})
    return st.lists(st.one_of(*rules, excluded), max_size=3)


_COMPUTE = _rules(
    ("host_aggregates", "id"),
    ("host_aggregates", "name"),
    ("availability_zones", "name"),
    instances="uuid",
    compute_nodes="name",
    instance_metadata="x",
    projects="uuid",
)
_STORAGE = _rules(
    ("availability_zones", "name"),
    ("volume_types", "name"),
    storage_pools="name",
    volumes="uuid",
    projects="uuid",
)
_SCOPES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"compute": _COMPUTE}),
        st.fixed_dictionaries({"storage": _STORAGE}),
    ),
    max_size=3,
)


@given(_ANYTHING | _SCOPES)
def test_whatever_is_accepted_is_understood_by_runs_but_for_wildcards_in_company(
    value: object,
) -> None:
    try:
        scope = checked_scope(value)
    except InvalidValue:
        return
    for read in (parse_scope, parse_storage_scope, parse_baremetal_scope):
        try:
            read(scope)
        except InvalidValue as refusal:
            assert "the wildcard '*'" in refusal.rule  # noqa: PT017 - or there is no refusal
    assert checked_scope(scope) == scope
