"""Only events change the state of an aggregate, and each event is known to its aggregate."""

import ast
import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

import pytest

from domain.audits.run import Run
from domain.kernel.aggregate import Aggregate, Created
from domain.plans.action import Action
from infrastructure.event_log.event_types import event_types
from tests.golden.events.samples import aggregate_classes

CLASSES = [cls for cls in aggregate_classes() if cls.__module__.startswith("domain.")]
"""Aggregates and parts of them."""
AGGREGATES = [cls for cls in CLASSES if hasattr(cls, "TOPIC")]
CHANGERS = {"clear", "pop", "popitem", "setdefault", "update", "append", "extend", "remove"}
ROOT = Path(__file__).parents[3]
STATE = {
    field.name for cls in (*CLASSES, Run, Action) for field in dataclasses.fields(cast("Any", cls))
}
"""Attributes of aggregates and of the mutable objects inside them."""
PACKAGES = {cls.__module__.rpartition(".")[0] for cls in AGGREGATES}
LAYERS = ("domain", "application", "infrastructure", "interfaces")
OWN_OBJECTS = (
    "application/replay/aggregate_fold.py",
    "infrastructure/simulator/",
    "infrastructure/supervision/supervisor.py",
    "interfaces/cli/",
    "interfaces/rest/resources/discovery.py",
)
"""Modules that assign attributes of the same names to other objects, and import no aggregate."""


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


@pytest.mark.parametrize("aggregate", CLASSES, ids=lambda cls: cls.__name__)
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


def changes_state(node: ast.AST) -> bool:
    """Whether a statement or call changes an attribute in ``STATE`` of an object but ``self``."""
    if isinstance(node, (ast.Assign, ast.Delete)):
        changed = [leaf for target in node.targets for leaf in ast.walk(target)]
        return any(is_state(leaf) for leaf in changed if hasattr(leaf, "ctx"))
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return is_state(node.target)
    if not isinstance(node, ast.Call):
        return False
    if ast.unparse(node.func) in {"setattr", "delattr", "object.__setattr__"}:
        name = node.args[1]
        return not isinstance(name, ast.Constant) or name.value in STATE
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in CHANGERS
        and is_state(node.func.value, ast.Load)
    )


def is_state(node: ast.AST, context: type[ast.expr_context] | None = None) -> bool:
    expected = context or (ast.Store, ast.Del)
    if not isinstance(getattr(node, "ctx", None), expected):
        return False
    while isinstance(node, ast.Subscript):
        node = node.value
    return (
        isinstance(node, ast.Attribute)
        and node.attr in STATE
        and ast.unparse(node.value) not in {"self", "cls"}
    )


def imports_aggregates(tree: ast.AST) -> bool:
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(f"{module}.".startswith(f"{one}.") for module in modules for one in PACKAGES)


def outsiders(path: str, source: str) -> list[str]:
    """Places of a module outside the aggregates that change the state of one."""
    tree = ast.parse(source)
    if path.startswith(OWN_OBJECTS) and not imports_aggregates(tree):
        return []
    nodes = [node for node in ast.walk(tree) if changes_state(node)]
    return [f"{path}: {ast.unparse(node)}" for node in nodes]


def test_no_code_outside_an_aggregate_changes_what_is_inside() -> None:
    sources = {inspect.getsourcefile(cls) for cls in AGGREGATES}
    paths = [path for layer in LAYERS for path in (ROOT / layer).rglob("*.py")]
    assert len(paths) > 300
    found = [
        place
        for path in paths
        if str(path) not in sources
        for place in outsiders(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "statement",
    [
        "audit.run.epoch = 1",
        "audit.state = AuditState.DELETED",
        "plan.actions[key].note = None",
        "plan.actions[key] = action",
        "del plan.actions[key]",
        "plan.actions.pop(key)",
        "self._plan.state, rest = 1, 2",
        "action.attempt += 1",
        "setattr(action, name, 1)",
        "setattr(action, 'note', 1)",
        "audit.parameters.update(changes)",
    ],
)
def test_a_change_from_outside_is_seen(statement: str) -> None:
    assert outsiders("application/commands/audits.py", statement) != []
    control = "self.state = 1\nstate = audit.state\nself.actions[audit.run] = audit.run.epoch"
    assert outsiders("application/commands/audits.py", control) == []
    simulator = "infrastructure/simulator/nova/commands.py"
    assert outsiders(simulator, f"from domain.plans import ActionPlan\n{statement}") != []
    assert outsiders(simulator, statement) == []
