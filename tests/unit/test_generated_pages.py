from pathlib import Path

import pytest

from interfaces.docs import PAGES, render

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(page: str) -> None:
    assert (ROOT / page).read_text() == render(page), f"run `make docs`: {page} is out of date"
