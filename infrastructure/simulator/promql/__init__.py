"""A small, honest PromQL: what it does not know it refuses by name, as Prometheus would."""

from infrastructure.simulator.promql.evaluate import Evaluator, Vector
from infrastructure.simulator.promql.parser import parse
from infrastructure.simulator.promql.series import Catalogue
from infrastructure.simulator.promql.syntax import BadQuery

__all__ = ["BadQuery", "Catalogue", "Evaluator", "Vector", "parse"]
