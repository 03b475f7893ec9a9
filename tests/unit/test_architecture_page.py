"""docs/architecture.md names files, rooms and functions that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
LAYERS = ("domain", "application", "infrastructure", "interfaces", "vigil")
NAMED = re.compile(rf"`((?:{'|'.join(LAYERS)}|tests|docs)/[\w./-]*)`")
FUNCTION = re.compile(r"`(?:([A-Za-z]+)\.)?(_?[a-z_]+)`(?=[:, →]|$)")


@cache
def definitions() -> frozenset[str]:
    """``function``, ``module.function`` and ``Class.method`` of the product."""
    found = set()
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    found |= {node.name, f"{path.stem}.{node.name}"}
                if isinstance(node, ast.ClassDef):
                    found |= {
                        f"{node.name}.{part.name}"
                        for part in node.body
                        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
                    }
    return frozenset(found)


def topics() -> frozenset[str]:
    """Topics of events, which look like functions of modules."""
    return frozenset(re.findall(r"`([a-z.-]+)`", (ROOT / "docs" / "events.md").read_text()))


def hops() -> list[str]:
    """The middle columns of the two tables of hops."""
    return [row.split("|")[2] for row in PAGE.splitlines() if re.match(r"\| \d+ \|", row)]


@pytest.mark.parametrize("path", sorted(set(NAMED.findall(PAGE))))
def test_the_page_names_paths_that_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_hops_name_functions_that_exist() -> None:
    named = [
        f"{owner}.{name}" if owner else name
        for hop in hops()
        for owner, name in FUNCTION.findall(hop)
    ]
    assert len(named) > len(hops()) // 2
    assert [
        name for name in named if "." in name and name not in definitions() and name not in topics()
    ] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_every_room_is_on_the_page_and_says_what_lives_there(layer: str) -> None:
    for init in (ROOT / layer).glob("*/__init__.py"):
        room = init.parent
        assert f"`{room.name}/" in PAGE, f"{room.relative_to(ROOT)} is not on the page"
    for init in (ROOT / layer).rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text())), f"{init} has no docstring"


def test_the_check_sees_what_is_missing() -> None:
    """The control: an invented function and an invented path."""
    assert "Audit.claim_run" in definitions()
    assert "Audit.take_run" not in definitions()
    assert NAMED.findall("see `domain/attic/` for more") == ["domain/attic/"]
