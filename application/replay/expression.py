"""Conditions on recorded values, as users write them: ``plan["nightly"].state == "FAILED"``.

The text has the grammar of a Python expression, restricted to what is listed here; Python parses it
and never evaluates it.

* A value: a name, with ``.name`` and ``["key"]`` or ``[0]`` after it. What a name stands for is the
  caller's choice.
* Constants: texts in quotes, numbers, ``true``, ``false``, ``null``, and lists of these.
* ``== != < <= > >= in`` and ``not in``, which can be chained: ``70 < x <= 85``.
* ``and``, ``or``, ``not``, parentheses.
* ``len(x)``: number of characters or members; ``lower(x)``: a text in lower case.

A value that does not exist is ``null``. ``null`` equals only itself; it is neither less nor greater
than anything, it contains nothing, and its length is 0.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from application.replay.values import ABSENT, Path

LONGEST = 1000
"""Most characters of an expression."""
CONSTANTS = {"true": True, "false": False, "null": None, "none": None}

Lookup = Callable[[Path], Any]
"""Path → its JSON value, ``ABSENT`` if there is none."""
_Node = Callable[[Lookup], Any]
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class InvalidExpression(ValueError):
    """The text is no expression of this language, or compares what has no order."""


class Expression:
    """A condition.

    Args:
        text: of the user.

    Attributes:
        text: as given.
        paths: of the values that it names, each once.

    Raises:
        InvalidExpression: the text is not of this language; the message names the part.
    """

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise InvalidExpression(f"the expression is longer than {LONGEST} characters")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            said = getattr(error, "msg", None) or str(error) or type(error).__name__
            raise InvalidExpression(f"{text!r} is no expression: {said}") from error
        self.text = text.strip()
        self._node = _compiled(tree)
        self.paths: tuple[Path, ...] = tuple(dict.fromkeys(_paths(tree)))

    def holds(self, lookup: Lookup) -> bool:
        """Whether the condition is true.

        Args:
            lookup: returns the value at a path.

        Raises:
            InvalidExpression: it compares values that have no order, such as a text and a number.
        """
        return bool(self._node(lookup))


def written(path: Path) -> str:
    """A path as it is written in an expression."""
    first, *rest = path
    return f"{first}" + "".join(
        f".{one}" if isinstance(one, str) and one.isidentifier() else f"[{_quoted(one)}]"
        for one in rest
    )


def _quoted(one: str | int) -> str:
    return f'"{one}"' if isinstance(one, str) else str(one)


def _compiled(node: ast.expr) -> _Node:  # noqa: PLR0911 - one per kind of part
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_compiled(one) for one in values]
            combine = all if isinstance(op, ast.And) else any
            return lambda lookup: combine(part(lookup) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _compiled(operand)
            return lambda lookup: not inner(lookup)
        case ast.Compare():
            return _comparison(node)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            function, given = FUNCTIONS[name], _compiled(argument)
            return lambda lookup: function(given(lookup))
        case ast.List(elts=members) | ast.Tuple(elts=members):
            several = [_compiled(one) for one in members]
            return lambda lookup: [one(lookup) for one in several]
    path = _path(node)
    if path is not None:
        return lambda lookup: None if (found := lookup(path)) is ABSENT else found
    constant = _constant(node)
    return lambda _: constant


def _constant(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None | str() | int() | float() as value):
            return value
        case ast.Name(id=name) if name.lower() in CONSTANTS:
            return CONSTANTS[name.lower()]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    functions = " and ".join(f"{name}(x)" for name in FUNCTIONS)
    raise InvalidExpression(
        f"{ast.unparse(node)!r} is not allowed: an expression has values, constants, comparisons, "
        f"and, or, not, {functions}"
    )


def _path(node: ast.expr) -> Path | None:
    """The path that a value names; None if the node is no value."""
    match node:
        case ast.Name(id=name) if name.lower() not in CONSTANTS:
            return (name,)
        case ast.Attribute(value=inner, attr=name):
            before = _path(inner)
            return None if before is None else (*before, name)
        case ast.Subscript(value=inner, slice=key):
            before, member = _path(inner), _constant(key)
            if before is None:
                return None
            if isinstance(member, bool) or not isinstance(member, str | int):
                raise InvalidExpression(f"{ast.unparse(node)!r}: a key is a text or a number")
            return (*before, member)
    return None


def _paths(node: ast.expr) -> Iterator[Path]:
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not _is_function(node, child):
            yield from _paths(child)


def _is_function(node: ast.expr, child: ast.expr) -> bool:
    return isinstance(node, ast.Call) and child is node.func


def _comparison(node: ast.Compare) -> _Node:
    operands = [_compiled(one) for one in (node.left, *node.comparators)]
    tests = [_test(one, ast.unparse(node)) for one in node.ops]

    def compared(lookup: Lookup) -> bool:
        left = operands[0](lookup)
        for test, operand in zip(tests, operands[1:], strict=True):
            right = operand(lookup)
            if not test(left, right):
                return False
            left = right
        return True

    return compared


def _test(op: ast.cmpop, text: str) -> Callable[[Any, Any], bool]:
    match op:
        case ast.Eq():
            return operator.eq
        case ast.NotEq():
            return operator.ne
        case ast.In():
            return lambda left, right: _contains(right, left, text)
        case ast.NotIn():
            return lambda left, right: not _contains(right, left, text)
    order = _ORDER.get(type(op))
    if order is None:
        raise InvalidExpression(f"{text!r}: use == and != instead of is and is not")

    def ordered(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        try:
            return order(left, right)
        except TypeError as error:
            kinds = f"{_kind(left)} and {_kind(right)}"
            raise InvalidExpression(f"{text!r}: {kinds} have no order") from error

    return ordered


def _contains(whole: Any, part: Any, text: str) -> bool:
    if whole is None:
        return False
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    if not isinstance(whole, list | Mapping):
        raise InvalidExpression(f"{text!r}: {_kind(whole)} contains nothing")
    return part in list(whole)


def _len(value: Any) -> int:
    if value is None:
        return 0
    if not isinstance(value, str | list | Mapping):
        raise InvalidExpression(f"len(): {_kind(value)} has no length")
    return len(value)


def _lower(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


FUNCTIONS: dict[str, Callable[[Any], Any]] = {"len": _len, "lower": _lower}
"""The functions that may be called."""
