from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.commands.patching import MISSING, ParsedOperation, Patchable, exactly, touched
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


def patched(*operations: ParsedOperation) -> dict[str, Any]:
    THING.check(operations)
    return THING.applied(DOCUMENT, operations)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (ParsedOperation("replace", "/name", "b"), {"name": "b"}),
        (ParsedOperation("add", "/name", "b"), {"name": "b"}),
        (ParsedOperation("remove", "/tags"), {"tags": {}}),
        (ParsedOperation("remove", "/list"), {"list": []}),
        (ParsedOperation("remove", "/on"), {"on": False}),
        (ParsedOperation("remove", "/time"), {"time": None}),
        (ParsedOperation("add", "/tags/z", 9), {"tags": {**DOCUMENT["tags"], "z": 9}}),
        (ParsedOperation("add", "/list/-", 3), {"list": [1, 2, 3]}),
        (ParsedOperation("remove", "/tags/x"), {"tags": {"deep": {"y": [1, 2]}}}),
        (
            ParsedOperation("replace", "/tags/deep/y/0", 5),
            {"tags": {"x": 1, "deep": {"y": [5, 2]}}},
        ),
    ],
)
def test_an_operation_changes_the_attribute_that_it_touches(
    operation: ParsedOperation, expected: dict[str, Any]
) -> None:
    assert patched(operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        ParsedOperation("test", "/name", 1),
        ParsedOperation("move", "/name", 1),
        ParsedOperation("add", "/name"),
        ParsedOperation("replace", "/name"),
        ParsedOperation("replace", "/", 1),
        ParsedOperation("replace", "name", 1),
        ParsedOperation("replace", "", 1),
        ParsedOperation("replace", "/tags/", 1),
        ParsedOperation("replace", "/tags/a~1b", 1),
        ParsedOperation("replace", "/tags/a.b", 1),
        ParsedOperation("replace", "/name\n", 1),
        ParsedOperation("replace", "/uuid", 1),
        ParsedOperation("replace", "/links/0", 1),
        ParsedOperation("replace", "/type", 1),
        ParsedOperation("add", "/unknown", 1),
        ParsedOperation("remove", "/unknown"),
        ParsedOperation("remove", "/name"),
        ParsedOperation("add", "/time", "t"),
        ParsedOperation("replace", "/time", None),
        ParsedOperation("remove", "/tags/none"),
        ParsedOperation("replace", "/tags/none", 1),
        ParsedOperation("replace", "/list/7", 1),
        ParsedOperation("add", "/list/x", 1),
        ParsedOperation("add", "/name/x", 1),
        ParsedOperation("add", "/on/x", 1),
        ParsedOperation("add", "/tags/none/x", 1),
    ],
)
def test_what_is_no_operation_here_is_refused(operation: ParsedOperation) -> None:
    with pytest.raises(InvalidValue):
        patched(operation)


def test_all_operations_are_applied_in_order() -> None:
    assert patched(
        ParsedOperation("remove", "/tags"),
        ParsedOperation("add", "/tags/new", 1),
        ParsedOperation("replace", "/name", "b"),
        ParsedOperation("replace", "/name", "c"),
    ) == {"tags": {"new": 1}, "name": "c"}


def test_the_document_and_the_values_are_not_modified() -> None:
    value: dict[str, Any] = {}
    result = patched(
        ParsedOperation("replace", "/tags", value), ParsedOperation("add", "/tags/new", 1)
    )
    assert result == {"tags": {"new": 1}}
    assert value == {}
    assert DOCUMENT["tags"] == {"x": 1, "deep": {"y": [1, 2]}}


def test_an_empty_patch_touches_nothing() -> None:
    assert patched() == {}
    assert touched([]) == []


def test_exactly_means_the_whole_path() -> None:
    assert exactly([ParsedOperation("remove", "/tags")], "/tags")
    assert not exactly([ParsedOperation("remove", "/tags/x")], "/tags")


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
        st.builds(ParsedOperation, st.sampled_from(["add", "replace", "remove"]), PATHS, VALUES),
        max_size=5,
    )
)
def test_a_patch_is_applied_or_refused_and_never_fails(patch: list[ParsedOperation]) -> None:
    try:
        result = patched(*patch)
    except InvalidValue:
        return
    assert set(result) == set(touched(patch))
