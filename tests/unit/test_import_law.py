"""Which package may import which, read from the source. Each rule has a control that breaks it."""

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = {
    "domain": {"domain"},
    "application": {"domain", "application"},
    "infrastructure": {"domain", "application", "infrastructure"},
    "interfaces": {"domain", "application", "infrastructure", "interfaces"},
    "vigil": {"domain", "application", "infrastructure", "interfaces", "vigil"},
}
"""Layer → the layers that it may import."""

LIBRARIES = {
    "domain": {"numpy", "eventsourcing.domain", "eventsourcing.utils"},
    "application": {"msgspec", "jsonschema", "jsonpatch", "jsonpointer", "referencing"},
}
"""Layer → the libraries that it may import beside the standard library; other layers: any."""

DOMAIN_FLOORS = (
    ("kernel",),
    ("cluster.kinds", "cluster.table"),
    ("cluster.compute",),
    # metrics: below the formats, because a cluster file holds measurements too.
    ("cluster.storage", "cluster.baremetal", "metrics"),
    # placement: above storage, because one branch has the steps of servers and of volumes.
    ("cluster.placement",),
    ("cluster.scope", "cluster.formats", "cluster.verifier"),
    ("plans",),
    ("optimization",),
)
"""Subpackages of domain, lowest first: each may import itself and the floors below it."""

DOMAIN_ASIDE = {
    "actuation": ("kernel",),
    "audits": ("kernel",),
    "audit_templates": ("kernel",),
    "catalogue": ("kernel",),
    "command_receipts": ("kernel",),
    "reservations": ("kernel",),
    "services": ("kernel",),
    "cluster_models": (
        "kernel",
        "cluster.table",
        "cluster.compute",
        "cluster.storage",
        "cluster.baremetal",
    ),
}
"""Subpackages of domain that no floor imports → what each of them may import."""

APPLICATION = {
    "ports": (),
    "kernel": (),
    "applier": ("cluster_models", "workers"),
    "cluster_models": ("workers",),
    "commands": ("projections",),  # a status message is rendered by one piece of code
    "decision_engine": ("cluster_models", "records", "workers"),
    "notifier": ("projections", "replay", "workers"),  # it shows what the API shows
    "projections": (),
    "queries": ("cluster_models", "projections", "records"),
    "records": ("cluster_models",),
    "replay": ("cluster_models", "projections", "queries", "records"),
    "seal": (),
    "simulation": (),
    "workers": (),
}
"""Capabilities → the other capabilities that each may import. All may import ports and kernel."""

SIMULATOR_FLOORS = (
    ("core",),
    ("keystone", "nova", "placement", "cinder", "baremetal", "prometheus"),
    ("app", "cli", "cloud", "control", "server", "__main__"),
)
"""Parts of infrastructure.simulator, lowest first; those of the last floor are one part."""

IMPURE = (
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "numpy.random",
    "os.getrandom",
    "os.urandom",
    "random",
    "secrets",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.process_time",
    "time.sleep",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
)
"""Where time, chance and ids come from: these names, and all names inside them."""

Graph = Mapping[str, Collection[str]]
"""Package or module → those that it imports or may import."""
Trees = Mapping[str, ast.Module]
"""Module name → its syntax tree."""


def floors(*rows: tuple[str, ...]) -> dict[str, set[str]]:
    """Package → all packages of the floors below its own."""
    return {
        name: {lower for below in rows[:height] for lower in below}
        for height, row in enumerate(rows)
        for name in row
    }


DOMAIN: Graph = {**floors(*DOMAIN_FLOORS), **DOMAIN_ASIDE}
CAPABILITIES: Graph = {
    **{name: {"ports", "kernel", *others} for name, others in APPLICATION.items()},
    "ports": (),
    "kernel": ("ports",),
}
SIMULATOR: Graph = {
    **floors(*SIMULATOR_FLOORS),
    **{name: {part for row in SIMULATOR_FLOORS for part in row} for name in SIMULATOR_FLOORS[-1]},
}


@cache
def sources(layer: str) -> dict[str, ast.Module]:
    """Module name → its syntax tree."""
    found = {}
    for path in sorted((ROOT / layer).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(), str(path))
    return found


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Dotted names that are imported: ``a.b`` by ``import a.b`` and by ``from a import b``."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import_time(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: all that are in no function."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
            yield from at_import_time(node)


def within(name: str, names: Iterable[str]) -> str | None:
    """The longest of some dotted names that is a name or holds it."""
    held = [one for one in names if name == one or name.startswith(f"{one}.")]
    return max(held, key=len, default=None)


def edges(trees: Trees, prefix: str, rules: Graph) -> Iterator[tuple[str, str]]:
    """(package, imported package) for each import under a prefix.

    A module that belongs to no package of the rules stands for itself.
    """
    for module, tree in trees.items():
        if not module.startswith(f"{prefix}."):
            continue
        inner = module.removeprefix(f"{prefix}.")
        package = within(inner, rules) or inner
        for name in imported(ast.walk(tree)):
            if name.startswith(f"{prefix}."):
                target = within(name.removeprefix(f"{prefix}."), rules)
                yield package, target or name


def breaches(trees: Trees, prefix: str, rules: Graph) -> list[str]:
    """Imports that the rules do not allow."""
    return sorted(
        {
            f"{package} imports {target}"
            for package, target in edges(trees, prefix, rules)
            if target != package and target not in rules.get(package, ())
        }
    )


def layer_breaches(layer: str, trees: Trees) -> Iterator[str]:
    """Imports of a higher layer, of the tests, or of a library that the layer may not use."""
    libraries = LIBRARIES.get(layer)
    for module, tree in trees.items():
        for name in imported(ast.walk(tree)):
            top = name.partition(".")[0]
            if top in LAYERS or top == "tests":
                if top not in LAYERS[layer]:
                    yield f"{module} imports {name}"
            elif libraries is None or top in sys.stdlib_module_names:
                continue
            elif within(name, libraries) is None:
                yield f"{module} imports {name}"


def impure_names(tree: ast.Module) -> Iterator[str]:
    """The names in ``IMPURE`` that a module imports or uses, under any alias."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                origins[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    used = {*imported(ast.walk(tree)), *(dotted(node, origins) for node in ast.walk(tree))}
    yield from sorted(name for name in used if within(name, IMPURE) or name.endswith(".*"))


def dotted(node: ast.AST, origins: Mapping[str, str]) -> str:
    """The full name of an imported name or of an attribute of one; empty for anything else."""
    if isinstance(node, ast.Name):
        return origins.get(node.id, "")
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value, origins)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def circles(graph: Graph) -> set[tuple[str, ...]]:
    """The sets of modules that import each other, directly or through others."""
    left = {module: set(targets) for module, targets in graph.items()}
    while leaves := [module for module, targets in left.items() if not targets & left.keys()]:
        for module in leaves:
            del left[module]
    reached = {module: _reached(module, left) for module in left}
    return {
        tuple(sorted(other for other in there if module in reached[other]))
        for module, there in reached.items()
        if module in there
    }


def _reached(module: str, graph: Graph) -> set[str]:
    found: set[str] = set()
    ahead = [module]
    while ahead:
        for target in graph[ahead.pop()]:
            if target in graph and target not in found:
                found.add(target)
                ahead.append(target)
    return found


def module_graph(trees: Trees) -> dict[str, set[str]]:
    """Module → the modules that it imports when it is imported."""
    return {
        module: {found for name in imported(at_import_time(tree)) if (found := within(name, trees))}
        for module, tree in trees.items()
    }


def parsed(**modules: str) -> dict[str, ast.Module]:
    """Modules for a control; in a name ``__`` stands for a dot."""
    return {name.replace("__", "."): ast.parse(text) for name, text in modules.items()}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_downward(layer: str) -> None:
    assert list(layer_breaches(layer, sources(layer))) == []


def test_an_import_of_a_higher_layer_or_of_a_foreign_library_is_seen() -> None:
    trees = parsed(domain__a="import application.ports\nfrom sqlalchemy import select\nimport json")
    assert list(layer_breaches("domain", trees)) == [
        "domain.a imports application.ports",
        "domain.a imports sqlalchemy.select",
    ]
    trees = parsed(interfaces__a="from vigil.plugins import Strategy")
    assert list(layer_breaches("interfaces", trees)) == [
        "interfaces.a imports vigil.plugins.Strategy"
    ]


def importers(library: str, trees: Trees) -> set[str]:
    """The packages of the modules that import a library."""
    return {
        module.rpartition(".")[0]
        for module, tree in trees.items()
        if any(within(name, [library]) for name in imported(ast.walk(tree)))
    }


def test_only_the_interactive_screens_import_textual() -> None:
    assert importers("textual", sources("interfaces")) == {
        f"interfaces.terminal{room}" for room in ("", ".debugger", ".viewer")
    }
    assert importers("textual", parsed(interfaces__cli__a="from textual.app import App")) == {
        "interfaces.cli"
    }


def test_subpackages_of_domain_import_only_lower_ones() -> None:
    assert breaches(sources("domain"), "domain", DOMAIN) == []


def test_an_import_between_neighbours_or_upward_in_domain_is_seen() -> None:
    trees = parsed(
        domain__cluster__scope__a="from domain.cluster.formats import xml",
        domain__cluster__table__a="import domain.cluster.compute.model",
        domain__audits__a="from domain.plans.events import PlanProposed",
        domain__novel__a="from domain.kernel import ids",
    )
    assert breaches(trees, "domain", DOMAIN) == [
        "audits imports plans",
        "cluster.scope imports cluster.formats",
        "cluster.table imports cluster.compute",
        "novel.a imports kernel",
    ]


def test_capabilities_of_application_import_only_what_the_table_lists() -> None:
    assert breaches(sources("application"), "application", CAPABILITIES) == []


def test_an_import_between_capabilities_that_is_not_listed_is_seen() -> None:
    trees = parsed(
        application__applier__a="from application.commands import plans",
        application__ports__a="from application.kernel import errors",
    )
    assert breaches(trees, "application", CAPABILITIES) == [
        "applier imports commands",
        "ports imports kernel",
    ]


def test_parts_of_the_simulator_import_only_lower_ones() -> None:
    assert breaches(sources("infrastructure"), "infrastructure.simulator", SIMULATOR) == []


def test_an_import_across_or_upward_in_the_simulator_is_seen() -> None:
    trees = parsed(
        infrastructure__simulator__core__a="from infrastructure.simulator.app import make",
        infrastructure__simulator__cinder__a="from infrastructure.simulator.nova import routes",
    )
    assert breaches(trees, "infrastructure.simulator", SIMULATOR) == [
        "cinder imports nova",
        "core imports app",
    ]


@pytest.mark.parametrize(
    ("layer", "prefix", "rules", "listed"),
    [
        ("domain", "domain", DOMAIN, DOMAIN_ASIDE),
        ("application", "application", CAPABILITIES, APPLICATION),
    ],
)
def test_the_tables_list_no_import_that_is_gone(
    layer: str, prefix: str, rules: Graph, listed: Graph
) -> None:
    found = set(edges(sources(layer), prefix, rules))
    packages = {package for package, _ in found}
    allowed = {(one, other) for one, others in listed.items() for other in others}
    assert {edge for edge in allowed - found if edge[0] in packages} == set()


@pytest.mark.parametrize("layer", ["domain", "application"])
def test_the_inner_layers_get_time_ids_and_chance_from_ports(layer: str) -> None:
    assert [
        f"{module} uses {name}"
        for module, tree in sources(layer).items()
        for name in impure_names(tree)
    ] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from datetime import datetime\nx = datetime.now()", "datetime.datetime.now"),
        ("import datetime as dt\nx = dt.date.today()", "datetime.date.today"),
        ("from time import monotonic", "time.monotonic"),
        ("from time import time as now\nx = now()", "time.time"),
        ("import time as t\nf = t.monotonic", "time.monotonic"),
        ("def f():\n    import time\n    time.sleep(1)", "time.sleep"),
        ("import random\nx = random.uniform(0, 1)", "random.uniform"),
        ("from random import Random\nx = Random().random()", "random.Random"),
        ("import numpy as np\nx = np.random.default_rng()", "numpy.random.default_rng"),
        ("from numpy import random as chance\nx = chance.rand()", "numpy.random.rand"),
        ("from numpy.random import default_rng", "numpy.random.default_rng"),
        ("import secrets\nx = secrets.token_bytes(4)", "secrets.token_bytes"),
        ("from uuid import uuid4", "uuid.uuid4"),
        ("import uuid\nx = uuid.uuid1()", "uuid.uuid1"),
        ("from os import urandom as noise\nx = noise(4)", "os.urandom"),
        ("from time import *", "time.*"),
    ],
)
def test_an_impure_name_is_seen_under_every_alias(source: str, name: str) -> None:
    assert name in set(impure_names(ast.parse(source)))


def test_a_port_that_is_named_like_an_impure_function_is_allowed() -> None:
    source = "from time import gmtime\nfrom uuid import uuid5\nx = self.clock.monotonic()"
    assert list(impure_names(ast.parse(source))) == []


def test_no_modules_import_each_other() -> None:
    trees = {name: tree for layer in LAYERS for name, tree in sources(layer).items()}
    assert circles(module_graph(trees)) == set()


def test_modules_that_import_each_other_are_seen() -> None:
    trees = parsed(
        a="from b import x",
        b="import c\nimport d",
        c="if True:\n    import a",
        d="def f():\n    import a",
        e="import a",
    )
    assert circles(module_graph(trees)) == {("a", "b", "c")}
