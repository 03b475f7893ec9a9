"""The page of guarantees names tests; they must be there, and hold tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
ROWS = [line for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip() for row in ROWS])
def test_every_promise_names_tests_that_exist(row: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", row)
    assert named, "a promise without a proof"
    for path in named:
        assert "def test_" in (ROOT / path).read_text(), path


def test_the_page_was_read() -> None:
    assert len(ROWS) > 10
