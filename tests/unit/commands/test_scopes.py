from typing import Any

import pytest

from application.commands.scopes import checked_scope
from domain.kernel.errors import InvalidValue

FULL: list[Any] = [
    {
        "compute": [
            {"host_aggregates": [{"id": 1}, {"id": "*"}, {"name": "ssd"}, {}]},
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
