"""Each test can fail: it asserts something, and not only under a condition that may never hold."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
HELPERS = (TESTS, TESTS.parent / "vigil" / "testing")
"""Folders whose functions may assert on behalf of a test."""

RAISING = frozenset({"raises", "warns", "fail"})
"""Calls that fail a test by themselves; ``check=True`` does, too."""

MUST_NOT_RAISE = frozenset(
    {
        "test_a_database_is_empty_for_each_test",
        "test_a_log_may_be_closed_while_others_use_it",
        "test_an_empty_cloud_is_no_error",
        "test_arrays_and_verifier_agree_along_any_walk",
        "test_every_service_of_the_simulator_answers_a_probe",
        "test_on_postgres_the_log_behaves_as_the_model",
        "test_on_sqlite_the_log_behaves_as_the_model",
    }
)
"""Tests of which the whole claim is that nothing is raised."""


@cache
def _trees() -> dict[Path, ast.Module]:
    paths = (path for folder in HELPERS for path in sorted(folder.rglob("*.py")))
    return {path: ast.parse(path.read_text(), str(path)) for path in paths}


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def asserts(node: ast.AST, helpers: frozenset[str]) -> bool:
    """Whether something in a node can fail a test.

    Args:
        node: of a syntax tree.
        helpers: names of functions that can.
    """
    inside = list(ast.walk(node))
    return any(map(_fails, inside)) or not helpers.isdisjoint(_called(inside))


def _fails(node: ast.AST) -> bool:
    """Whether a node fails a test by itself."""
    if isinstance(node, ast.Call):
        return _name(node) in RAISING or _is_checked(node)
    return isinstance(node, ast.Assert)


def _called(nodes: Iterable[ast.AST]) -> set[str]:
    """The names of called functions of the tests; a method could be one of the product's."""
    calls = [one for one in nodes if isinstance(one, ast.Call)]
    return {
        name
        for one in calls
        if (name := _name(one))
        and (isinstance(one.func, ast.Name) or name not in _of_the_product())
    }


@cache
def _of_the_product() -> frozenset[str]:
    layers = ("domain", "application", "infrastructure", "interfaces")
    paths = (path for layer in layers for path in (TESTS.parent / layer).rglob("*.py"))
    nodes = (one for path in paths for one in ast.walk(ast.parse(path.read_text())))
    named = {one.name for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(named | {name for kind in (dict, list, set, str) for name in dir(kind)})


def _is_checked(call: ast.Call) -> bool:
    return any(one.arg == "check" and ast.unparse(one.value) == "True" for one in call.keywords)


def always(statements: Iterable[ast.stmt], helpers: frozenset[str]) -> bool:
    """Whether a statement outside of an ``if`` without ``else`` can fail a test."""
    return any(_always(one, helpers) for one in statements)


def _always(statement: ast.stmt, helpers: frozenset[str]) -> bool:
    match statement:
        case ast.If(body=body, orelse=orelse):
            return always(body, helpers) and always(orelse, helpers)
        case ast.For(body=body) | ast.While(body=body):
            return asserts(statement, helpers) and always(body, helpers)
        case ast.With(items=items, body=body):
            return any(asserts(one, helpers) for one in items) or always(body, helpers)
        case ast.Try(body=body, finalbody=final):
            return always([*body, *final], helpers)
        case ast.FunctionDef() | ast.ClassDef():
            return False
    return asserts(statement, helpers)


def asserting_functions(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names of functions that can fail a test, also through others."""
    called: dict[str, set[str]] = {}
    found: set[str] = set()
    for one in (one for tree in trees for one in ast.walk(tree)):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = list(ast.walk(one))
            if not one.name.startswith("test_"):
                found |= {one.name} if any(map(_fails, inside)) else set()
                called.setdefault(one.name, set()).update(_called(inside))
    while more := {name for name, calls in called.items() if calls & found} - found:
        found |= more
    return frozenset(found)


def toothless(tree: ast.Module, helpers: frozenset[str]) -> Iterator[str]:
    """The tests of a module that cannot fail, or only under a condition."""
    functions = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))
    tests = (one for one in functions if one.name.startswith("test_"))
    yield from (one.name for one in tests if not always(one.body, helpers))


def test_each_test_asserts_something_that_is_always_reached() -> None:
    helpers = asserting_functions(_trees().values())
    found = {name for path, tree in _trees().items() for name in toothless(tree, helpers)}
    assert sorted(found) == sorted(MUST_NOT_RAISE)


def test_a_test_that_cannot_fail_is_found() -> None:
    """The test of an empty plan had a plan with two actions, and an ``if`` around its assertion."""
    source = """
def helper(): assert 1
def test_nothing(): do()
def test_condition():
    if plan: assert plan
def test_loop_of_conditions():
    for one in plans:
        if one: assert one
def test_inner():
    def check(): assert 1
def test_either():
    if plan: assert plan
    else: helper()
def test_asserts(): assert 1
def test_helper(): helper()
def test_raises():
    with pytest.raises(ValueError): do()
"""
    tree = ast.parse(source)
    assert list(toothless(tree, asserting_functions([tree]))) == [
        "test_nothing",
        "test_condition",
        "test_loop_of_conditions",
        "test_inner",
    ]
