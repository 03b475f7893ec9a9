"""A subset of PromQL; anything else is refused by name, as Prometheus does."""

from infrastructure.simulator.prometheus.promql.evaluate import Evaluator, Vector
from infrastructure.simulator.prometheus.promql.parser import parse
from infrastructure.simulator.prometheus.promql.series import SeriesCatalogue
from infrastructure.simulator.prometheus.promql.syntax import BadQuery

__all__ = ["BadQuery", "Evaluator", "SeriesCatalogue", "Vector", "parse"]
