from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.commands.parameters import check, completed, defaults_of, for_audit
from domain.kernel.errors import InvalidValue

SPEC: dict[str, Any] = {
    "properties": {
        "count": {"type": "integer", "default": 3, "minimum": 1},
        "name": {"type": "string"},
        "inner": {
            "type": "object",
            "properties": {"deep": {"type": "boolean", "default": True}, "other": {}},
            "additionalProperties": True,
        },
        "many": {
            "type": "array",
            "items": {"type": "object", "properties": {"weight": {"default": 1.5}}},
        },
        "open": {"type": "object", "properties": {}},
    },
    "required": ["count"],
}


def test_defaults_are_filled_in_at_every_depth_at_which_the_object_exists() -> None:
    given_: dict[str, Any] = {"inner": {"other": 1}, "many": [{}, {"weight": 2}]}
    assert completed(SPEC, given_) == {
        "count": 3,
        "inner": {"other": 1, "deep": True},
        "many": [{"weight": 1.5}, {"weight": 2}],
    }
    assert given_ == {"inner": {"other": 1}, "many": [{}, {"weight": 2}]}


def test_defaults_alone_may_lack_what_a_request_must_give() -> None:
    """The state of a strategy is asked without parameters: what it insists on is then not known."""
    demanding = {**SPEC, "required": ["count", "name"]}
    assert defaults_of(demanding) == {"count": 3}
    with pytest.raises(InvalidValue, match="name"):
        completed(demanding, {})


def test_a_default_satisfies_required() -> None:
    assert completed(SPEC, {}) == {"count": 3}


def test_defaults_are_copies() -> None:
    spec: dict[str, Any] = {"properties": {"list": {"type": "array", "default": []}}}
    first = completed(spec, {})
    assert isinstance(first["list"], list)
    first["list"].append(1)
    assert completed(spec, {}) == {"list": []}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"unknown": 1}, "parameters"),
        ({"inner": {"unknown": 1}}, "parameters/inner"),
        ({"many": [{"unknown": 1}]}, "parameters/many/0"),
        ({"count": 0}, "parameters/count"),
        ({"count": 1.0}, "parameters/count"),
        ({"count": True}, "parameters/count"),
        ({"name": 1}, "parameters/name"),
    ],
)
def test_what_breaks_the_schema_is_named_by_its_place(value: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        completed(SPEC, value)
    assert refusal.value.field == place


def test_an_empty_properties_accepts_anything() -> None:
    assert completed(SPEC, {"open": {"x": 1}})["open"] == {"x": 1}


def test_alternatives_leave_no_defaults_behind() -> None:
    spec: dict[str, Any] = {
        "properties": {
            "one": {
                "anyOf": [
                    {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}},
                    {"type": "object", "properties": {"b": {"type": "integer"}}},
                ]
            }
        }
    }
    assert completed(spec, {"one": {"b": 1}}) == {"one": {"b": 1}}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"from": "a"}, "'pool' is a required property; or 'type' is a required property"),
        ({"from": "a", "pool": "b", "type": "c"}, "'type' must not be given; or 'pool' must not"),
        ({"pool": "b"}, "'from' is a required property; or 'from' is a required property and "),
    ],
)
def test_a_value_that_fits_no_alternative_is_refused_with_the_rules(
    given: dict[str, str], rule: str
) -> None:
    """The answer was "is not valid under any of the given schemas", which names no rule."""
    spec: dict[str, Any] = {
        "properties": {name: {"type": "string"} for name in ("from", "pool", "type")},
        "oneOf": [
            {"required": ["from", "pool"], "not": {"required": ["type"]}},
            {"required": ["from", "type"], "not": {"required": ["pool"]}},
        ],
    }
    with pytest.raises(InvalidValue, match=f"fits no alternative: {rule}"):
        check(spec, given)


def test_a_long_error_is_shortened() -> None:
    with pytest.raises(InvalidValue) as refusal:
        check({"properties": {"a": {"type": "integer"}}}, {"a": "x" * 10_000})
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    "spec",
    [
        {"properties": {"a": {"type": "no such type"}}},
        {"properties": {"a": {"$ref": "#/definitions/none"}}},
    ],
)
def test_a_broken_schema_is_a_refusal_and_not_a_crash(spec: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="schema is broken"):
        completed(spec, {"a": 1})


class TestWhatAnAuditStores:
    def test_nothing_without_a_strategy(self) -> None:
        assert for_audit(None, None, None, omitted=True) == {}
        assert for_audit(None, {}, None, omitted=False) == {}

    @pytest.mark.parametrize("spec", [None, {}])
    def test_parameters_need_a_strategy_with_a_schema(self, spec: dict[str, Any] | None) -> None:
        with pytest.raises(InvalidValue, match="parameters"):
            for_audit(spec, {"a": 1}, None, omitted=False)

    def test_omitted_parameters_are_completed(self) -> None:
        assert for_audit(SPEC, None, None, omitted=True) == {"count": 3}

    def test_an_explicit_null_is_stored_as_nothing(self) -> None:
        assert for_audit(SPEC, None, None, omitted=False) == {}

    def test_an_explicit_null_is_refused_by_a_schema_that_wants_an_object(self) -> None:
        with pytest.raises(InvalidValue):
            for_audit({**SPEC, "type": "object"}, None, None, omitted=False)

    def test_a_templates_defaults_lie_under_what_is_given(self) -> None:
        defaults = {"count": 7, "name": "from template"}
        assert for_audit(SPEC, {"count": 8}, defaults, omitted=False) == {
            "count": 8,
            "name": "from template",
        }

    def test_with_a_templates_defaults_null_is_as_good_as_nothing(self) -> None:
        assert for_audit(SPEC, None, {"count": 7}, omitted=False) == {"count": 7}

    def test_a_templates_defaults_must_fit_the_strategy(self) -> None:
        with pytest.raises(InvalidValue):
            for_audit(SPEC, None, {"unknown": 7}, omitted=True)


@given(
    st.dictionaries(
        st.sampled_from(["count", "name", "inner", "many", "open", "odd"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_completing_is_idempotent_and_never_fails_otherwise(value: dict[str, Any]) -> None:
    try:
        once = completed(SPEC, value)
    except InvalidValue:
        return
    assert completed(SPEC, once) == once
    assert set(value) <= set(once)
