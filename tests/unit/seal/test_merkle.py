"""Merkle trees against the definition of RFC 9162 and the test vectors of certificate logs."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.seal import StoredEntry
from application.seal import merkle

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
INPUTS = [
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first n inputs: the vectors that implementations of certificate transparency share."""
ENTRY = StoredEntry(7, "0" * 32, 1, "audit.requested", b"{}")


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS[:count]]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]).hex() == EMPTY


@pytest.mark.parametrize("count", range(1, 9))
def test_the_roots_are_those_of_certificate_logs(count: int) -> None:
    assert merkle.root(leaves(count)).hex() == ROOTS[count - 1]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70), st.data())
def test_the_root_follows_from_any_leaf_and_its_path(
    found: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(found) - 1))
    node, at = found[index], index
    for step in merkle.path(found, index):
        if step is not None:
            pair = (step, node) if at % 2 else (node, step)
            node = hashlib.sha256(b"\x01" + pair[0] + pair[1]).digest()
        at //= 2
    assert node == merkle.root(found)


CHANGED = [
    replace(ENTRY, position=8),
    replace(ENTRY, aggregate="1" + "0" * 31),
    replace(ENTRY, version=2),
    replace(ENTRY, version="1"),
    replace(ENTRY, topic="audit.changed"),
    replace(ENTRY, topic=b"audit.requested"),
    replace(ENTRY, topic=None),
    replace(ENTRY, state=b"{ }"),
    replace(ENTRY, state="{}"),
    replace(ENTRY, state=1.5),
    replace(ENTRY, topic="audit.requeste", state=b"d{}"),
]


@pytest.mark.parametrize("other", CHANGED)
def test_the_hash_of_an_entry_depends_on_every_value_and_its_type(other: StoredEntry) -> None:
    assert merkle.leaf(other) != merkle.leaf(ENTRY)
