"""Precedence climbing (a Pratt parser) over the tokens of an expression."""

from dataclasses import replace

from infrastructure.simulator.prometheus.promql.lexer import Token, seconds, tokens, unquoted
from infrastructure.simulator.prometheus.promql.syntax import (
    Aggregation,
    BadQuery,
    Binary,
    Expression,
    FunctionCall,
    Matcher,
    Negation,
    NumberLiteral,
    Selector,
    Subquery,
)

POWERS = {"or": 1, "==": 2, "!=": 2, ">": 2, "<": 2, ">=": 2, "<=": 2, "+": 3, "-": 3}
POWERS |= {"*": 4, "/": 4, "%": 4, "^": 6}
SIGN = 5
DEFAULT_STEP = 60.0
"""Seconds between the points of a subquery that names no step."""
_OPERATORS = frozenset({"symbol", "name"})
AGGREGATIONS = frozenset({"avg", "max", "min", "sum", "count"})
KNOWN_BUT_UNSUPPORTED = frozenset({"and", "unless", "bool", "group_left", "group_right"})


def parse(text: str) -> Expression:
    """The expression that a text means.

    Raises:
        BadQuery: it means none, or one that is not supported; the message says where.
    """
    parser = _Parser(text)
    expression = parser.expression(0)
    parser.expect("end")
    return expression


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._place = 0

    def expression(self, power: int) -> Expression:
        left = self._subquery(self._prefix())
        while POWERS.get((token := self._peek()).text, 0) > power and token.kind in _OPERATORS:
            self._next()
            left = self._binary(token.text, left)
        if token.kind == "name" and token.text in KNOWN_BUT_UNSUPPORTED:
            raise self._error(token, f"{token.text!r} is not supported")
        return left

    def expect(self, kind: str, text: str | None = None) -> Token:
        token = self._next()
        if token.kind != kind or (text is not None and token.text != text):
            raise self._error(token, f"expected {text or kind}")
        return token

    def _subquery(self, operand: Expression) -> Expression:
        if not self._accept("symbol", "["):
            return operand
        window = seconds(self.expect("duration").text)
        self.expect("symbol", ":")
        step = seconds(self._next().text) if self._peek().kind == "duration" else DEFAULT_STEP
        self.expect("symbol", "]")
        if step <= 0:
            raise BadQuery("parse error: a subquery's step must be positive")
        return Subquery(operand, window, step)

    def _binary(self, operator: str, left: Expression) -> Binary:
        on: tuple[str, ...] | None = None
        ignoring: tuple[str, ...] = ()
        if self._accept("name", "on"):
            on = self._names()
        elif self._accept("name", "ignoring"):
            ignoring = self._names()
        power = POWERS[operator] - (operator == "^")  # ^ binds to the right
        return Binary(operator, left, self.expression(power), on, ignoring)

    def _prefix(self) -> Expression:
        token = self._next()
        match token.kind, token.text:
            case "number", text:
                return NumberLiteral(
                    float(int(text, 16)) if text[:2].lower() == "0x" else float(text)
                )
            case "symbol", "(":
                inner = self.expression(0)
                self.expect("symbol", ")")
                return inner
            case "symbol", "-":
                return Negation(self.expression(SIGN))
            case "symbol", "+":
                return self.expression(SIGN)
            case "symbol", "{":
                self._place -= 1
                return self._selector("")
            case "name", name:
                return self._named(name)
        raise self._error(token, "unexpected end" if token.kind == "end" else "unexpected")

    def _named(self, name: str) -> Expression:
        if name in AGGREGATIONS:
            return self._aggregation(name)
        return self._call(name) if self._accept("symbol", "(") else self._selector(name)

    def _aggregation(self, operator: str) -> Aggregation:
        labels, without, grouped = self._grouping()
        self.expect("symbol", "(")
        operand = self.expression(0)
        self.expect("symbol", ")")
        if not grouped:
            labels, without, _ = self._grouping()
        return Aggregation(operator, labels, without, operand)

    def _grouping(self) -> tuple[tuple[str, ...], bool, bool]:
        if self._accept("name", "by"):
            return self._names(), False, True
        if self._accept("name", "without"):
            return self._names(), True, True
        return (), False, False

    def _call(self, function: str) -> FunctionCall:
        arguments: list[Expression] = []
        while not self._accept("symbol", ")"):
            if arguments:
                self.expect("symbol", ",")
            arguments.append(self.expression(0))
        return FunctionCall(function, tuple(arguments))

    def _selector(self, name: str) -> Selector:
        matchers: list[Matcher] = []
        if self._accept("symbol", "{"):
            while not self._accept("symbol", "}"):
                if matchers:
                    self.expect("symbol", ",")
                    if self._accept("symbol", "}"):
                        break
                matchers.append(self._matcher())
        selector = Selector(name, tuple(matchers))
        if self._range_follows():
            self._next()
            selector = replace(selector, window=seconds(self.expect("duration").text))
            self.expect("symbol", "]")
        if self._accept("name", "offset"):
            selector = replace(selector, offset=seconds(self.expect("duration").text))
        return selector

    def _range_follows(self) -> bool:
        """Whether ``[5m]`` comes next, rather than a subquery's ``[5m:1m]``."""
        ahead = [token.text for token in self._tokens[self._place : self._place + 3]]
        return ahead[:1] == ["["] and ahead[2:3] == ["]"]

    def _matcher(self) -> Matcher:
        label = self.expect("name").text
        operator = self._next()
        if operator.text not in {"=", "!=", "=~", "!~"}:
            raise self._error(operator, "expected a label matching operator")
        return Matcher(label, operator.text, unquoted(self.expect("text").text))

    def _names(self) -> tuple[str, ...]:
        self.expect("symbol", "(")
        names: list[str] = []
        while not self._accept("symbol", ")"):
            if names:
                self.expect("symbol", ",")
            names.append(self.expect("name").text)
        return tuple(names)

    def _peek(self) -> Token:
        return self._tokens[self._place]

    def _next(self) -> Token:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _accept(self, kind: str, text: str) -> bool:
        token = self._peek()
        if token.kind == kind and token.text == text:
            self._place += 1
            return True
        return False

    def _error(self, token: Token, what: str) -> BadQuery:
        found = f": {token.text!r}" if token.text else ""
        return BadQuery(f"1:{token.at + 1}: parse error: {what}{found}")
