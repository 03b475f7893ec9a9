"""Only events change the state of an aggregate, and each event is known to its aggregate."""

import ast
import inspect
from collections.abc import Iterator
from textwrap import dedent

import pytest

from domain.kernel.aggregate import Aggregate, Created
from infrastructure.event_log.event_types import event_types

AGGREGATES = sorted(
    (cls for cls in Aggregate.__subclasses__() if cls.__module__.startswith("domain.")),
    key=lambda cls: cls.TOPIC,
)
CHANGERS = {"clear", "pop", "popitem", "setdefault", "update", "append", "extend", "remove"}


def methods(source: str) -> Iterator[ast.FunctionDef]:
    (cls,) = ast.parse(dedent(source)).body
    assert isinstance(cls, ast.ClassDef)
    yield from (node for node in cls.body if isinstance(node, ast.FunctionDef))


def of_self(node: ast.expr) -> bool:
    """Whether an expression is an attribute of ``self``, something inside of one, or its dict."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        if isinstance(node.value, ast.Name):
            return node.value.id == "self"
        node = node.value
    return ast.unparse(node) == "vars(self)"


def assigns(method: ast.FunctionDef) -> bool:
    for node in ast.walk(method):
        if isinstance(node, (ast.Assign, ast.Delete)):
            targets = [leaf for target in node.targets for leaf in ast.walk(target)]
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif isinstance(node, ast.Call) and ast.unparse(node).startswith("setattr(self,"):
            return True
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CHANGERS
        ):
            targets = [node.func.value]
        else:
            continue
        if any(isinstance(one, ast.expr) and of_self(one) for one in targets):
            return True
    return False


def evolves(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(one) == "evolves" for one in method.decorator_list)


def called(method: ast.FunctionDef) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(method)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "self"
    }


def offenders(source: str) -> list[str]:
    """Methods that assign state, or have it assigned, and are not called by events alone."""
    calls = {method.name: called(method) for method in methods(source)}
    events = {method.name for method in methods(source) if evolves(method)}
    assigning = events | {method.name for method in methods(source) if assigns(method)}
    while more := {name for name in calls if calls[name] & assigning} - assigning:
        assigning |= more
    evolving = set(events)
    while more := {name for one in evolving for name in calls[one] & assigning} - evolving:
        evolving |= more
    return sorted(name for name in assigning if name not in evolving or name[0] != "_")


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda cls: cls.TOPIC)
def test_only_events_assign_the_state_of_an_aggregate(aggregate: type[Aggregate]) -> None:
    assert offenders(inspect.getsource(aggregate)) == []


@pytest.mark.parametrize(
    "method",
    [
        "def close(self):\n        self.state = 1",
        "def _close(self):\n        self.state = 1",
        "def put(self, key):\n        self.items[key] = 1",
        "def put(self):\n        a, self.b = 1, 2",
        "def drop(self, key):\n        self.items.pop(key)",
        "def drop(self, key):\n        del self.items[key]",
        "def count(self):\n        self.total += 1",
        "def assign(self, changes):\n        vars(self).update(changes)",
        "def assign(self, name):\n        setattr(self, name, 1)",
        "@evolves\n    def closed(self, event):\n        self.state = 1",
        "def close(self):\n        self._closed(1)",
    ],
)
def test_a_method_that_assigns_without_an_event_is_seen(method: str) -> None:
    evolver = "@evolves\n    def _closed(self, _):\n        self.state = 0"
    assert offenders(f"class Audit:\n    {evolver}\n\n    {method}\n") != []
    assert offenders(f"class Audit:\n    {evolver}\n") == []


def test_each_event_but_the_first_is_known_to_its_aggregate_alone() -> None:
    product = [cls for cls in event_types().values() if cls.__module__.startswith("domain.")]
    assert len(product) > 30
    for event in product:
        owners = [one for one in AGGREGATES if event in one.evolvers]
        topic = str(vars(event)["TOPIC"]).partition(".")[0]
        assert [one.TOPIC for one in owners] in ([topic], [] if issubclass(event, Created) else 0)
