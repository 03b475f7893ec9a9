"""Pages that name the tests which prove their claims: rows of a table, and what the rows name."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


def rows(page: str) -> dict[str, str]:
    """Number → the row of a table that begins with it."""
    lines = (ROOT / page).read_text().splitlines()
    return {match[1]: line for line in lines if (match := re.match(r"\| (\d+) \|", line))}


def unproved(row: str) -> list[str]:
    """What is wrong with the tests that a row names; nothing if all of them exist."""
    named = re.findall(r"`(tests/[^`]+)`", row)
    if not named:
        return ["a claim without a proof"]
    return [one for one in named if not _is_test(*one.partition("::")[::2])]


def _is_test(path: str, name: str) -> bool:
    return (ROOT / path).is_file() and name in _tests(path)


@cache
def _tests(path: str) -> frozenset[str]:
    """The tests of a file, of functions and of classes, that are not skipped in any case."""
    tree = ast.parse((ROOT / path).read_text())
    found = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    return frozenset(one.name for one in found if one.name.startswith("test_") and _runs(one))


def _runs(test: ast.FunctionDef) -> bool:
    marks = {ast.unparse(one).partition("(")[0] for one in test.decorator_list}
    return not marks & {"pytest.mark.skip", "pytest.mark.xfail"}
