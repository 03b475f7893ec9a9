"""Each promise of the page of guarantees names the tests that prove it; these tests exist."""

import pytest

from tests.proofs import rows, unproved

PROMISES = rows("docs/guarantees.md")


@pytest.mark.parametrize("number", PROMISES)
def test_every_promise_names_tests_that_exist(number: str) -> None:
    assert unproved(PROMISES[number]) == []


def test_the_page_was_read() -> None:
    assert list(PROMISES) == [str(number + 1) for number in range(len(PROMISES))]
    assert len(PROMISES) >= 30


def test_a_row_that_names_no_test_or_one_that_does_not_exist_is_found() -> None:
    """A file was enough once: any test in it proved any promise."""
    here = "tests/unit/test_guarantees.py"
    good = f"`{here}::test_the_page_was_read`"
    assert unproved(f"| 1 | promise | {good} |") == []
    assert unproved("| 1 | promise | |") == ["a claim without a proof"]
    bad = [here, f"{here}::test_of_nothing", "tests/unit/test_nothing.py::test_the_page_was_read"]
    assert unproved("| 1 | promise | " + ", ".join(f"`{one}`" for one in [*bad, good[1:-1]])) == bad
