"""Changes folded per row have the effect of the changes one by one."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.read_models.pending import PendingRows, Statements

Rows = dict[object, dict[str, Any]]
KEYS = st.integers(1, 3)
NUMBERS = st.integers(-5, 5)
CHANGES = st.one_of(
    st.tuples(st.just("insert"), KEYS, NUMBERS),
    st.tuples(st.just("update"), KEYS, st.dictionaries(st.sampled_from(["n", "m"]), NUMBERS)),
    st.tuples(st.just("add"), KEYS, st.dictionaries(st.sampled_from(["n", "m"]), NUMBERS)),
    st.tuples(st.just("delete"), KEYS, st.none()),
)


def one_by_one(rows: Rows, kind: str, key: int, value: Any) -> None:
    """What a change means, said plainly."""
    if kind == "insert" and key not in rows:
        rows[key] = {"key": key, "n": value, "m": 0}
    elif kind == "delete":
        rows.pop(key, None)
    elif kind == "update" and key in rows:
        rows[key].update(value)
    elif kind == "add" and key in rows:
        for column, amount in value.items():
            rows[key][column] += amount


def change(pending: PendingRows, kind: str, key: int, value: Any) -> None:
    if kind == "insert":
        if pending.get("t", key) is None:
            pending.insert("t", {"key": key, "n": value, "m": 0})
    elif kind == "delete":
        pending.delete("t", key)
    else:
        getattr(pending, kind)("t", key, value)


def write(rows: Rows, batch: Statements) -> None:
    """What the database does with a batch."""
    for key in batch.deletes.get("t", []):
        rows.pop(key, None)
    for row in batch.inserts.get("t", []):
        assert row["key"] not in rows
        rows[row["key"]] = dict(row)
    for changed in batch.updates.values():
        for key, one in changed:
            if key in rows:
                rows[key].update(one.values)
                for column, amount in one.amounts.items():
                    rows[key][column] += amount


@given(stored=st.sets(KEYS), changes=st.lists(CHANGES, max_size=25), cut=st.integers(0, 25))
def test_a_batch_has_the_effect_of_its_changes_in_order(
    stored: set[int], changes: list[tuple[str, int, Any]], cut: int
) -> None:
    expected: Rows = {key: {"key": key, "n": 7, "m": 7} for key in stored}
    actual = deepcopy(expected)
    pending = PendingRows({"t": "key"}, lambda _, key: actual.get(key))
    for number, (kind, key, value) in enumerate(changes):
        if number == cut:
            write(actual, pending.take())
        one_by_one(expected, kind, key, value)
        change(pending, kind, key, value)
        assert pending.get("t", key) == expected.get(key)
    write(actual, pending.take())
    assert actual == expected


def test_a_row_is_not_inserted_twice() -> None:
    pending = PendingRows({"t": "key"}, lambda _, __: None)
    pending.insert("t", {"key": 1})
    with pytest.raises(ValueError, match="t has a row 1 already"):
        pending.insert("t", {"key": 1})


def test_many_events_of_one_row_are_one_statement() -> None:
    pending = PendingRows({"t": "key"}, lambda _, __: None)
    for number in range(100):
        pending.update("t", 1, {"n": number})
        pending.add("t", 1, {"m": 1})
    batch = pending.take()
    ((shape, ((key, one),)),) = batch.updates.items()
    assert (shape, key) == (("t", ("n",), ("m",)), 1)
    assert (one.values, one.amounts) == ({"n": 99}, {"m": 100})
