"""Imports point downward only, and the inner rooms stay pure: read from the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("domain", "application", "infrastructure", "interfaces")
MAY_IMPORT = {
    "domain": {"domain"},
    "application": {"domain", "application"},
    "infrastructure": {"domain", "application", "infrastructure"},
    "interfaces": {"domain", "application", "infrastructure", "interfaces"},
}
LIBRARIES = {
    "domain": {"numpy", "eventsourcing"},
    "application": {"msgspec", "jsonschema", "jsonpatch", "jsonpointer", "referencing"},
}
EVENTSOURCING_IN_DOMAIN = {"eventsourcing.domain", "eventsourcing.utils"}
IMPURE = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.sleep",
    "time.monotonic",
    "uuid.uuid4",
    "uuid4",
    "uuid.uuid1",
    "uuid1",
    "random.random",
    "random.choice",
    "random.shuffle",
    "os.urandom",
    "secrets.token_hex",
}


def modules(room: str) -> Iterator[Path]:
    yield from sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: relative import"
            yield node.module


def offences(room: str) -> Iterator[str]:
    libraries = LIBRARIES.get(room)
    for path in modules(room):
        for name in imports(path):
            top = name.partition(".")[0]
            where = f"{path.relative_to(ROOT)} imports {name}"
            if top in ROOMS or top == "tests":
                if top not in MAY_IMPORT[room]:
                    yield where
            elif libraries is None or top in sys.stdlib_module_names:
                continue
            elif top not in libraries or (
                room == "domain" and top == "eventsourcing" and name not in EVENTSOURCING_IN_DOMAIN
            ):
                yield where


def calls(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_downward(room: str) -> None:
    assert list(offences(room)) == []


@pytest.mark.parametrize("room", ["domain", "application"])
def test_the_inner_rooms_ask_ports_for_time_ids_and_chance(room: str) -> None:
    impure = [
        f"{path.relative_to(ROOT)} calls {name}()"
        for path in modules(room)
        for name in calls(path.read_text())
        if name in IMPURE
    ]
    assert impure == []


def test_the_law_sees_what_it_forbids() -> None:
    """The control: without it a blind walker would pass everything."""
    assert "datetime.now" in set(calls("from datetime import datetime\nx = datetime.now()"))
    assert list(imports(ROOT / "tests" / "unit" / "test_import_law.py"))
