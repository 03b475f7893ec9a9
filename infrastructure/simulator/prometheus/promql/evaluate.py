from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from infrastructure.simulator.core.workload import Floats
from infrastructure.simulator.prometheus.promql.series import Labels, SeriesCatalogue
from infrastructure.simulator.prometheus.promql.syntax import (
    Aggregation,
    BadQuery,
    Binary,
    Expression,
    FunctionCall,
    Negation,
    NumberLiteral,
    Selector,
    Subquery,
)

SAMPLES = 21
"""Points at which a window is sampled for ``…_over_time``."""
NAME = "__name__"


@dataclass(frozen=True)
class Vector:
    """An instant vector: labels and float64[series]; never NaN for a missing sample."""

    labels: list[Labels]
    values: Floats


Value = Vector | float

_OVER_TIME: dict[str, Callable[[Floats], Floats]] = {
    "avg_over_time": lambda window: np.nanmean(window, axis=1),
    "max_over_time": lambda window: np.nanmax(window, axis=1),
    "min_over_time": lambda window: np.nanmin(window, axis=1),
    "sum_over_time": lambda window: np.nansum(window, axis=1),
    "count_over_time": lambda window: np.sum(~np.isnan(window), axis=1).astype(np.float64),
    "last_over_time": lambda window: window[:, -1],
}
_AGGREGATE: dict[str, Callable[[Floats], float]] = {
    "avg": lambda values: float(np.mean(values)),
    "max": lambda values: float(np.max(values)),
    "min": lambda values: float(np.min(values)),
    "sum": lambda values: float(np.sum(values)),
    "count": lambda values: float(len(values)),
}
_ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
}
_COMPARISON: dict[str, Callable[[Floats, Floats], Floats]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


class Evaluator:
    """Evaluates expressions at one instant.

    Args:
        catalogue: the series.
        at: simulated time, s.
        wall: the value of ``time()``: the same instant in seconds since the epoch.
    """

    def __init__(self, catalogue: SeriesCatalogue, at: float, wall: float = 0.0) -> None:
        self._catalogue = catalogue
        self._at = at
        self._wall = wall

    def value(self, expression: Expression) -> Value:
        """The value of an expression.

        Raises:
            BadQuery: types do not fit, or something is not supported.
        """
        match expression:
            case NumberLiteral(value):
                return value
            case Negation(operand):
                return self._operate("*", self.value(operand), -1.0, None, ())
            case Selector(window=None):
                return self._instant(expression)
            case Selector():
                raise BadQuery("invalid expression type: a range vector needs a function around it")
            case Subquery():
                raise BadQuery("invalid expression type: a range vector needs a function around it")
            case FunctionCall():
                return self._call(expression)
            case Aggregation():
                return self._aggregate(expression)
            case Binary(operator, left, right, on, ignoring):
                return self._operate(operator, self.value(left), self.value(right), on, ignoring)

    # -- series ----------------------------------------------------------------------------------

    def _instant(self, selector: Selector) -> Vector:
        series = self._catalogue.select(selector.name, selector.matchers)
        values = series.sample(np.array([self._at - selector.offset]))[:, 0]
        labels = [{NAME: selector.name, **one} for one in series.labels]
        return _known(labels, values)

    def _window(self, argument: Expression, points: int) -> tuple[list[Labels], Floats, float]:
        if isinstance(argument, Subquery):
            return self._steps(argument)
        if not isinstance(argument, Selector) or argument.window is None:
            raise BadQuery("expected type range vector in call to function, got instant vector")
        series = self._catalogue.select(argument.name, argument.matchers)
        end = self._at - argument.offset
        times = np.linspace(end - argument.window, end, points)
        return list(series.labels), series.sample(times), argument.window

    def _steps(self, subquery: Subquery) -> tuple[list[Labels], Floats, float]:
        times = np.arange(self._at, self._at - subquery.window - 1e-9, -subquery.step)[::-1]
        places: dict[tuple[tuple[str, str], ...], int] = {}
        columns: list[tuple[list[int], Floats]] = []
        labels: list[Labels] | None = None
        rows: list[int] = []
        for time in times.tolist():
            wall = self._wall - (self._at - time)
            vector = Evaluator(self._catalogue, time, wall).vector(subquery.operand)
            if vector.labels != labels:  # mostly they are those of the step before
                labels = vector.labels
                rows = [places.setdefault(_key(one), len(places)) for one in labels]
            columns.append((rows, vector.values))
        window = np.full((len(places), len(times)), np.nan)
        for step, (rows, values) in enumerate(columns):
            window[rows, step] = values
        return (
            [dict(key) for key in places],
            window,
            float(times[-1] - times[0]),
        )

    # -- functions -------------------------------------------------------------------------------

    def _call(self, call: FunctionCall) -> Value:
        name = call.function
        if name in {"rate", "irate", "increase"}:
            labels, window, length = self._window(_sole(call), 2)
            grown = window[:, 1] - window[:, 0]
            return _known(labels, grown if name == "increase" else grown / length)
        if name in _OVER_TIME:
            labels, window, _ = self._window(_sole(call), SAMPLES)
            some = ~np.all(np.isnan(window), axis=1)
            kept = [one for one, keep in zip(labels, some, strict=True) if keep]
            return Vector(kept, _OVER_TIME[name](window[some])) if kept else Vector([], _NONE)
        if name in {"clamp_max", "clamp_min"}:
            return self._clamp(call)
        if name == "time" and not call.arguments:
            return self._wall
        functions: dict[str, Callable[[Expression], Value]] = {
            "abs": self._abs,
            "scalar": self._to_scalar,
            "timestamp": self._timestamp,
            "vector": self._to_vector,
        }
        if name not in functions:
            raise BadQuery(f"unknown function with name {name!r}")
        return functions[name](_sole(call))

    def _abs(self, argument: Expression) -> Vector:
        vector = self.vector(argument)
        return Vector(_nameless(vector.labels), np.abs(vector.values))

    def _to_scalar(self, argument: Expression) -> float:
        vector = self.vector(argument)
        return float(vector.values[0]) if len(vector.labels) == 1 else float("nan")

    def _to_vector(self, argument: Expression) -> Vector:
        return Vector([{}], np.array([self._scalar(argument)]))

    def _timestamp(self, argument: Expression) -> Vector:
        vector = self.vector(argument)
        return Vector(_nameless(vector.labels), np.full(len(vector.labels), self._wall))

    def _clamp(self, call: FunctionCall) -> Vector:
        if len(call.arguments) != 2:  # noqa: PLR2004 - the vector and its bound
            raise BadQuery(f"expected 2 argument(s) in call to {call.function!r}")
        vector, bound = self.vector(call.arguments[0]), self._scalar(call.arguments[1])
        clamp = np.minimum if call.function == "clamp_max" else np.maximum
        return Vector(_nameless(vector.labels), clamp(vector.values, bound))

    def vector(self, expression: Expression) -> Vector:
        """The value of an expression that is an instant vector."""
        value = self.value(expression)
        if isinstance(value, float):
            raise BadQuery("expected type instant vector, got scalar")
        return value

    def _scalar(self, expression: Expression) -> float:
        value = self.value(expression)
        if isinstance(value, Vector):
            raise BadQuery("expected type scalar, got instant vector")
        return value

    # -- operators -------------------------------------------------------------------------------

    def _aggregate(self, aggregation: Aggregation) -> Vector:
        vector = self.vector(aggregation.operand)
        groups: defaultdict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
        for place, labels in enumerate(vector.labels):
            groups[_grouped(labels, aggregation)].append(place)
        values = [_AGGREGATE[aggregation.operator](vector.values[p]) for p in groups.values()]
        return Vector([dict(key) for key in groups], np.array(values, dtype=np.float64))

    def _operate(
        self,
        operator: str,
        left: Value,
        right: Value,
        on: tuple[str, ...] | None,
        ignoring: tuple[str, ...],
    ) -> Value:
        if operator == "or":
            return _either(left, right, on, ignoring)
        labels: list[Labels]
        if isinstance(left, Vector) and isinstance(right, Vector):
            labels, mine, theirs = _paired(left, right, on, ignoring)
        elif isinstance(left, Vector):
            labels, mine, theirs = left.labels, left.values, np.full_like(left.values, right)
        elif isinstance(right, Vector):
            labels, mine, theirs = right.labels, np.full_like(right.values, left), right.values
        else:
            return self._scalars(operator, left, right)
        if operator in _COMPARISON:
            keep = _COMPARISON[operator](mine, theirs).astype(bool)
            shown = mine if isinstance(left, Vector) else theirs
            return Vector([one for one, k in zip(labels, keep, strict=True) if k], shown[keep])
        with np.errstate(all="ignore"):
            return Vector(_nameless(labels), _ARITHMETIC[operator](mine, theirs))

    def _scalars(self, operator: str, left: float, right: float) -> float:
        if operator in _COMPARISON:
            raise BadQuery("comparisons between scalars must use BOOL modifier")
        with np.errstate(all="ignore"):
            return float(_ARITHMETIC[operator](np.array([left]), np.array([right]))[0])


_NONE: Floats = np.empty(0)


def _known(labels: Sequence[Labels], values: Floats) -> Vector:
    known = ~np.isnan(values)
    return Vector([one for one, k in zip(labels, known, strict=True) if k], values[known])


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if name != NAME))


def _sole(call: FunctionCall) -> Expression:
    if len(call.arguments) != 1:
        raise BadQuery(f"expected 1 argument(s) in call to {call.function!r}")
    return call.arguments[0]


def _nameless(labels: Sequence[Labels]) -> list[Labels]:
    return [{name: value for name, value in one.items() if name != NAME} for one in labels]


def _grouped(labels: Labels, aggregation: Aggregation) -> tuple[tuple[str, str], ...]:
    if aggregation.without:
        dropped = {*aggregation.labels, NAME}
        return tuple(sorted((n, v) for n, v in labels.items() if n not in dropped))
    return tuple((name, labels[name]) for name in sorted(aggregation.labels) if name in labels)


def _matched(
    labels: Labels, on: tuple[str, ...] | None, ignoring: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """The labels by which two vectors are compared."""
    if on is not None:
        return tuple((name, labels.get(name, "")) for name in on)
    return tuple((name, value) for name, value in _key(labels) if name not in ignoring)


def _either(
    left: Value, right: Value, on: tuple[str, ...] | None, ignoring: tuple[str, ...]
) -> Vector:
    if not isinstance(left, Vector) or not isinstance(right, Vector):
        raise BadQuery("set operator 'or' not allowed in binary scalar expression")
    taken = {_matched(one, on, ignoring) for one in left.labels}
    added = [i for i, one in enumerate(right.labels) if _matched(one, on, ignoring) not in taken]
    labels = [*left.labels, *(right.labels[i] for i in added)]
    return Vector(labels, np.concatenate([left.values, right.values[added]]))


def _paired(
    left: Vector, right: Vector, on: tuple[str, ...] | None, ignoring: tuple[str, ...]
) -> tuple[list[Labels], Floats, Floats]:
    def key(labels: Labels) -> tuple[tuple[str, str], ...]:
        return _matched(labels, on, ignoring)

    places = {key(labels): place for place, labels in enumerate(right.labels)}
    if len(places) != len(right.labels):
        raise BadQuery("found duplicate series for the match group on the right hand-side")
    pairs = [(i, places[key(one)]) for i, one in enumerate(left.labels) if key(one) in places]
    if len({j for _, j in pairs}) != len(pairs):
        raise BadQuery("multiple matches for labels: many-to-one matching must be explicit")
    mine, theirs = [i for i, _ in pairs], [j for _, j in pairs]
    labels = [dict(key(left.labels[i])) if on is not None else left.labels[i] for i in mine]
    return labels, left.values[mine], right.values[theirs]
