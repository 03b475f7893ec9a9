"""Each row of what was tried names the tests that try it again; these tests exist."""

import pytest

from tests.proofs import rows, unproved

TRIED = rows("SECURITY.md")


@pytest.mark.parametrize("number", TRIED)
def test_everything_that_was_tried_names_tests_that_exist(number: str) -> None:
    assert unproved(TRIED[number]) == []


def test_the_page_was_read() -> None:
    assert list(TRIED) == [str(number + 1) for number in range(len(TRIED))]
    assert len(TRIED) >= 25
