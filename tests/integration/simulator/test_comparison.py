"""The comparison with a real cloud (tests/cloud/simulator) finds the differences there are."""

import pytest

from tests.cloud.simulator.shapes import differences, shape_of

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("real", "simulated"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": "1"}),
        ({"a": [1]}, {"a": ["1"]}),
        ({"a": {"b": 1}}, {"a": {"c": 1}}),
        ({"s": [{"a": 1}, {"a": 1, "b": 1}]}, {"s": [{"a": 1}]}),
        ({"a": []}, {"a": {}}),
        ([], {}),
    ],
)
def test_a_difference_in_form_is_found(real: object, simulated: object) -> None:
    assert differences(shape_of(real), shape_of(simulated), NONE) != []


@pytest.mark.parametrize(
    ("real", "simulated"),
    [
        ({"a": 1}, {"a": 2.5}),
        ({"a": None}, {"a": "text"}),
        ({"s": []}, {"s": [{"a": 1}]}),
        ({"metadata": {"x": "1"}}, {"metadata": {"y": "2"}}),
        ({"allocations": {}}, {"allocations": {"u": {"generation": 1}}}),
    ],
)
def test_a_difference_in_data_is_none(real: object, simulated: object) -> None:
    assert differences(shape_of(real), shape_of(simulated), NONE) == []


def test_what_is_tolerated_is_not_reported_and_nothing_beside_it() -> None:
    real, simulated = shape_of({"a": {"b": 1}, "ab": 1}), shape_of({"a": {"c": 1}, "ab": "1"})
    found = differences(real, simulated, frozenset({"$.a"}))
    assert len(found) == 1
    assert found[0].startswith("$.ab:")
