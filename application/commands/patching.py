"""JSON patches of stored attributes, with three operations (docs/api.md, "Patches").

A resource describes what may be patched with a ``Patchable``; ``applied`` yields the attributes
that its document has after all operations, or refuses the patch as a whole.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException

from domain.kernel.errors import InvalidValue

_PATH = re.compile(r"(/[\w-]+)+")

INTERNAL = frozenset({"id", "uuid", "created_at", "updated_at", "deleted_at", "links"})
"""Attributes that no patch may touch."""


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()
"""The value of an operation that has none."""


@dataclass(frozen=True)
class ParsedOperation:
    """One step of a patch.

    Attributes:
        op: ``add``, ``replace`` or ``remove``.
        path: JSON pointer without escapes.
        value: MISSING if not given.
    """

    op: str
    path: str
    value: Any = MISSING

    @property
    def attribute(self) -> str:
        """The attribute that it touches: the first segment of its path."""
        return self.path.split("/", 2)[1]

    @property
    def whole(self) -> bool:
        """Whether it concerns an attribute and not something inside of it."""
        return self.path.count("/") == 1


Patch = Sequence[ParsedOperation]


@dataclass(frozen=True)
class Patchable:
    """What a resource allows in patches.

    Attributes:
        empty: attribute → what ``remove`` resets it to; these are all the attributes there are.
        fixed: attributes that exist but can never be changed by a patch.
        mandatory: attributes that cannot be removed.
        no_add: attributes that can be replaced, but not added.
        no_null: attributes that can be removed, but not set to null.
    """

    empty: Mapping[str, Any]
    fixed: frozenset[str] = frozenset()
    mandatory: frozenset[str] = frozenset()
    no_add: frozenset[str] = frozenset()
    no_null: frozenset[str] = frozenset()
    internal: frozenset[str] = field(default=INTERNAL)

    def check(self, patch: Patch) -> None:
        """What can be said about a patch without the document.

        Raises:
            InvalidValue: an operation is malformed or touches what it must not.
        """
        for operation in patch:
            _well_formed(operation)
            self._allowed(operation)

    def _allowed(self, operation: ParsedOperation) -> None:
        path, attribute = operation.path, operation.attribute
        if attribute in self.internal:
            raise InvalidValue(path, "is an internal attribute and cannot be updated")
        if attribute in self.fixed:
            raise InvalidValue(path, "cannot be changed")
        if attribute not in self.empty:
            raise InvalidValue(path, "there is no such attribute: cannot change the non-existent")
        if operation.op == "remove" and attribute in self.mandatory and operation.whole:
            raise InvalidValue(path, "is mandatory and cannot be removed")
        if operation.op == "add" and attribute in self.no_add:
            raise InvalidValue(path, "can be replaced or removed, but not added")
        if operation.op != "remove" and operation.value is None and attribute in self.no_null:
            raise InvalidValue(path, "cannot be null; remove it instead")

    def applied(self, document: Mapping[str, Any], patch: Patch) -> dict[str, Any]:
        """The touched attributes of a document after a patch (the document is not modified).

        Raises:
            InvalidValue: an operation cannot be applied.
        """
        result = {name: deepcopy(document[name]) for name in touched(patch)}
        for operation in patch:
            if not operation.whole:
                _inside(result, operation)
            elif operation.op == "remove":
                result[operation.attribute] = deepcopy(self.empty[operation.attribute])
            else:
                result[operation.attribute] = deepcopy(operation.value)
        return result


def touched(patch: Patch) -> list[str]:
    """The attributes that a patch touches, in order of first appearance."""
    return list(dict.fromkeys(operation.attribute for operation in patch))


def exactly(patch: Patch, path: str) -> bool:
    """Whether an operation has exactly some path."""
    return any(operation.path == path for operation in patch)


def _well_formed(operation: ParsedOperation) -> None:
    if operation.op not in {"add", "replace", "remove"}:
        raise InvalidValue("op", f"must be add, replace or remove, not {operation.op!r}")
    if not _PATH.fullmatch(operation.path):
        raise InvalidValue("path", f"must be /attribute[/member…], not {operation.path!r}")
    if operation.op != "remove" and operation.value is MISSING:
        raise InvalidValue(operation.path, f"{operation.op} needs a value")


def _inside(document: dict[str, Any], operation: ParsedOperation) -> None:
    step: dict[str, Any] = {"op": operation.op, "path": operation.path}
    if operation.op != "remove":
        step["value"] = deepcopy(operation.value)
    try:
        JsonPatch([step]).apply(document, in_place=True)
    except (JsonPatchException, JsonPointerException, TypeError) as error:
        rule = f"cannot {operation.op} a non-existent member or inside of a plain value"
        raise InvalidValue(operation.path, rule) from error


def text(attribute: str, value: object, longest: int | None = None) -> str:
    """A patched value that must be a string.

    Raises:
        InvalidValue: it is not, or it is too long.
    """
    if not isinstance(value, str):
        raise InvalidValue(attribute, f"must be a string, not {kind_of(value)}")
    if longest is not None and len(value) > longest:
        raise InvalidValue(attribute, f"must have at most {longest} characters")
    return value


def boolean(attribute: str, value: object) -> bool:
    """A patched value that must be true or false.

    Raises:
        InvalidValue: it is not.
    """
    if not isinstance(value, bool):
        raise InvalidValue(attribute, f"must be true or false, not {kind_of(value)}")
    return value


def mapping(attribute: str, value: object) -> dict[str, Any]:
    """A patched value that must be an object; null counts as an empty one.

    Raises:
        InvalidValue: it is neither.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidValue(attribute, f"must be an object, not {kind_of(value)}")
    return value


def sequence(attribute: str, value: object) -> list[Any]:
    """A patched value that must be a list; null counts as an empty one.

    Raises:
        InvalidValue: it is neither.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidValue(attribute, f"must be a list, not {kind_of(value)}")
    return value


_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


def kind_of(value: object) -> str:
    """What JSON calls a value."""
    return _KINDS.get(type(value), "a number")
