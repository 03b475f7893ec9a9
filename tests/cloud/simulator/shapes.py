"""The shape of an answer: which keys it has, and which JSON type is found under each."""

import re
from collections import defaultdict
from typing import Any

Shape = dict[str, set[str]]

# Objects whose keys are data (ids, names), not structure.
_MAPS = re.compile(
    r"\.(metadata|extra_specs|addresses|rules|allocations|inventories|usages|hosts|resources)$"
)
_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f-]{27}$")

_NAMES = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    dict: "object",
    list: "list",
}


def shape_of(value: Any) -> Shape:
    """Every path in a JSON value, with the types found there."""
    shape: Shape = defaultdict(set)
    _walk(value, "$", shape)
    return dict(shape)


def _walk(value: Any, path: str, shape: Shape) -> None:
    shape[path].add(_NAMES[type(value)])
    if isinstance(value, list):
        for item in value:
            _walk(item, f"{path}[]", shape)
    if isinstance(value, dict):
        by_data = bool(_MAPS.search(path)) or any(_UUID.match(k) for k in value)
        for key, item in value.items():
            _walk(item, f"{path}.{'*' if by_data else key}", shape)


def differences(real: Shape, simulated: Shape, tolerated: frozenset[str]) -> list[str]:
    """What differs: a path that only one has, or a type.

    A path below a list or map that is empty on the other side says nothing, and null stands for
    any type.
    """
    found = []
    for path in sorted(real.keys() | simulated.keys()):
        if path in tolerated or any(path.startswith((f"{t}.", f"{t}[")) for t in tolerated):
            continue
        if path not in real or path not in simulated:
            side, other = ("real", simulated) if path in real else ("simulated", real)
            if _comparable(path, other):
                found.append(f"only the {side} cloud has {path}")
        elif not _same(real[path], simulated[path]):
            found.append(f"{path}: real {real[path]}, simulated {simulated[path]}")
    return found


def _comparable(path: str, other: Shape) -> bool:
    """Whether the other side has an object in which the path is missing."""
    parent = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
    if path.endswith(("[]", ".*")):
        return parent in other and not other[parent] & {"list", "object", "null"}
    return "object" in other.get(parent, set())


def _same(left: set[str], right: set[str]) -> bool:
    left, right = left - {"null"}, right - {"null"}
    return not left or not right or left == right
