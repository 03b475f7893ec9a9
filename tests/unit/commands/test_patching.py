from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.commands.patching import MISSING, Operation, Patchable, exactly, touched
from domain.kernel.errors import InvalidValue

THING = Patchable(
    empty={"name": None, "tags": {}, "list": [], "on": False, "time": None},
    fixed=frozenset({"type"}),
    mandatory=frozenset({"name"}),
    no_add=frozenset({"time"}),
    no_null=frozenset({"time"}),
)
DOCUMENT: dict[str, Any] = {
    "name": "a",
    "tags": {"x": 1, "deep": {"y": [1, 2]}},
    "list": [1, 2],
    "on": True,
    "time": "t",
}


def patched(*operations: Operation) -> dict[str, Any]:
    THING.check(operations)
    return THING.applied(DOCUMENT, operations)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("replace", "/name", "b"), {"name": "b"}),
        (Operation("add", "/name", "b"), {"name": "b"}),
        (Operation("remove", "/tags"), {"tags": {}}),
        (Operation("remove", "/list"), {"list": []}),
        (Operation("remove", "/on"), {"on": False}),
        (Operation("remove", "/time"), {"time": None}),
        (Operation("add", "/tags/z", 9), {"tags": {**DOCUMENT["tags"], "z": 9}}),
        (Operation("add", "/list/-", 3), {"list": [1, 2, 3]}),
        (Operation("remove", "/tags/x"), {"tags": {"deep": {"y": [1, 2]}}}),
        (Operation("replace", "/tags/deep/y/0", 5), {"tags": {"x": 1, "deep": {"y": [5, 2]}}}),
    ],
)
def test_an_operation_changes_the_attribute_that_it_touches(
    operation: Operation, expected: dict[str, Any]
) -> None:
    assert patched(operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        Operation("test", "/name", 1),
        Operation("move", "/name", 1),
        Operation("add", "/name"),
        Operation("replace", "/name"),
        Operation("replace", "/", 1),
        Operation("replace", "name", 1),
        Operation("replace", "", 1),
        Operation("replace", "/tags/", 1),
        Operation("replace", "/tags/a~1b", 1),
        Operation("replace", "/tags/a.b", 1),
        Operation("replace", "/name\n", 1),
        Operation("replace", "/uuid", 1),
        Operation("replace", "/links/0", 1),
        Operation("replace", "/type", 1),
        Operation("add", "/unknown", 1),
        Operation("remove", "/unknown"),
        Operation("remove", "/name"),
        Operation("add", "/time", "t"),
        Operation("replace", "/time", None),
        Operation("remove", "/tags/none"),
        Operation("replace", "/tags/none", 1),
        Operation("replace", "/list/7", 1),
        Operation("add", "/list/x", 1),
        Operation("add", "/name/x", 1),
        Operation("add", "/on/x", 1),
        Operation("add", "/tags/none/x", 1),
    ],
)
def test_what_is_no_operation_here_is_refused(operation: Operation) -> None:
    with pytest.raises(InvalidValue):
        patched(operation)


def test_all_operations_are_applied_in_order() -> None:
    assert patched(
        Operation("remove", "/tags"),
        Operation("add", "/tags/new", 1),
        Operation("replace", "/name", "b"),
        Operation("replace", "/name", "c"),
    ) == {"tags": {"new": 1}, "name": "c"}


def test_the_document_and_the_values_are_not_modified() -> None:
    value: dict[str, Any] = {}
    result = patched(Operation("replace", "/tags", value), Operation("add", "/tags/new", 1))
    assert result == {"tags": {"new": 1}}
    assert value == {}
    assert DOCUMENT["tags"] == {"x": 1, "deep": {"y": [1, 2]}}


def test_an_empty_patch_touches_nothing() -> None:
    assert patched() == {}
    assert touched([]) == []


def test_exactly_means_the_whole_path() -> None:
    assert exactly([Operation("remove", "/tags")], "/tags")
    assert not exactly([Operation("remove", "/tags/x")], "/tags")


PATHS = st.lists(
    st.sampled_from(
        ["name", "tags", "list", "on", "time", "x", "deep", "y", "0", "1", "-", "uuid"]
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: "/" + "/".join(parts))
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.just({}), st.just([]), st.just(MISSING)
)


@given(
    st.lists(
        st.builds(Operation, st.sampled_from(["add", "replace", "remove"]), PATHS, VALUES),
        max_size=5,
    )
)
def test_a_patch_is_applied_or_refused_and_never_fails(patch: list[Operation]) -> None:
    try:
        result = patched(*patch)
    except InvalidValue:
        return
    assert set(result) == set(touched(patch))
